set(EMBEDSERVE_CUDA AUTO CACHE STRING "Build the CUDA engine: AUTO (if a toolkit is found), ON, OFF")
set_property(CACHE EMBEDSERVE_CUDA PROPERTY STRINGS AUTO ON OFF)
option(EMBEDSERVE_TESTS "Build the tests" ON)
option(EMBEDSERVE_BENCH "Build the benchmarks" ON)
option(EMBEDSERVE_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
option(EMBEDSERVE_STATIC "Link gRPC, protobuf, abseil and libstdc++ into the binary" OFF)
option(EMBEDSERVE_REQUIRE_GPU "A gpu test that finds no device fails instead of skipping" OFF)
set(EMBEDSERVE_SANITIZE "" CACHE STRING "Sanitizers for all targets: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
# Function names and lines, which is what a stack trace shows; variables would double the build time.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
if(EMBEDSERVE_FUZZ AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "EMBEDSERVE_FUZZ=ON needs clang, the compiler is ${CMAKE_CXX_COMPILER_ID}: "
                      "use 'cmake --preset fuzz' or set CMAKE_CXX_COMPILER=clang++")
endif()

find_program(EMBEDSERVE_CCACHE ccache)
if(EMBEDSERVE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${EMBEDSERVE_CCACHE}")
  set(CMAKE_CUDA_COMPILER_LAUNCHER "${EMBEDSERVE_CCACHE}")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)

# Every target of ours links this: include root and warnings.
add_library(embedserve_options INTERFACE)
target_include_directories(embedserve_options INTERFACE "${PROJECT_SOURCE_DIR}")
set(clang_warnings -Wthread-safety -Wextra-semi -Wimplicit-fallthrough -Wconditional-uninitialized
                   -Wrange-loop-analysis -Wunreachable-code
                   -Wno-unreachable-code-loop-increment  # a loop that takes the first is meant
                   -Wno-pass-failed)  # loops are tuned for gcc
# A designated initialiser that leaves the other members at their defaults is meant: {.index = 1}.
target_compile_options(embedserve_options INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wsign-conversion;-Wno-missing-field-initializers;-Werror>"
  "$<$<COMPILE_LANG_AND_ID:CXX,Clang>:${clang_warnings}>")
target_link_options(embedserve_options INTERFACE LINKER:-z,relro,-z,now)

# Hardening of what faces a network. FORTIFY needs optimisation and confuses the sanitizers.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT EMBEDSERVE_SANITIZE)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fstack-protector-strong;-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
endif()

if(EMBEDSERVE_SANITIZE)
  set(sanitize_flags -fsanitize=${EMBEDSERVE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:${sanitize_flags}>")
  add_link_options(-fsanitize=${EMBEDSERVE_SANITIZE})
endif()
if(EMBEDSERVE_FUZZ)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link>")
endif()
