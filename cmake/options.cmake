set(EMBEDSERVE_CUDA AUTO CACHE STRING "Build the CUDA engine: AUTO (if a toolkit is found), ON, OFF")
set_property(CACHE EMBEDSERVE_CUDA PROPERTY STRINGS AUTO ON OFF)
option(EMBEDSERVE_TESTS "Build the tests" ON)
option(EMBEDSERVE_BENCH "Build the benchmarks" ON)
option(EMBEDSERVE_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
set(EMBEDSERVE_SANITIZE "" CACHE STRING "Sanitizers for all targets: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
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

# Every target of ours links this: include root and warnings.
add_library(embedserve_options INTERFACE)
target_include_directories(embedserve_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(embedserve_options INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wsign-conversion;-Werror>")
if(EMBEDSERVE_SANITIZE)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${EMBEDSERVE_SANITIZE};-fno-omit-frame-pointer>")
  add_link_options(-fsanitize=${EMBEDSERVE_SANITIZE})
endif()
