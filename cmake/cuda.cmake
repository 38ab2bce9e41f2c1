# Sets EMBEDSERVE_WITH_CUDA. AUTO without a toolkit builds the CPU-only binary; ON without one is an error.
set(EMBEDSERVE_WITH_CUDA OFF)
if(NOT EMBEDSERVE_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "EMBEDSERVE_CUDA is '${EMBEDSERVE_CUDA}'; allowed: AUTO, ON, OFF")
endif()
if(NOT EMBEDSERVE_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 90a-real)
    endif()
    enable_language(CUDA)
    # CMake 3.25.1 decorates CUDA::nvToolsExt without looking whether there is one (CUDA 13 has none),
    # but only for projects that ask for 3.25.
    set(required "${CMAKE_MINIMUM_REQUIRED_VERSION}")
    set(CMAKE_MINIMUM_REQUIRED_VERSION 3.24)
    find_package(CUDAToolkit REQUIRED)
    set(CMAKE_MINIMUM_REQUIRED_VERSION "${required}")
    set(EMBEDSERVE_WITH_CUDA ON)
  elseif(EMBEDSERVE_CUDA STREQUAL "ON")
    message(FATAL_ERROR "EMBEDSERVE_CUDA=ON, but no CUDA compiler was found: install the CUDA toolkit, "
                        "set CMAKE_CUDA_COMPILER, or build with -DEMBEDSERVE_CUDA=OFF")
  endif()
endif()
message(STATUS "embedserve: CUDA engine ${EMBEDSERVE_WITH_CUDA} (EMBEDSERVE_CUDA=${EMBEDSERVE_CUDA})")

if(EMBEDSERVE_WITH_CUDA)
  # CMake 3.25 does not know that nvcc can do C++20; later versions set these two themselves.
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  # A register spill is an error like any other warning.
  set(nvcc_flags -Werror=all-warnings -lineinfo -Xptxas=-warn-spills,-warn-lmem-usage
                 -Xcompiler=-Wall,-Wextra,-Wno-missing-field-initializers)
  # For several architectures, of which a card loads one: norm.cu's code takes 0.9 MB instead of 7.4.
  list(LENGTH CMAKE_CUDA_ARCHITECTURES architectures)
  if(architectures GREATER 1 AND CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.8)
    list(APPEND nvcc_flags --compress-mode=size)
  endif()
  target_compile_options(embedserve_options INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:${nvcc_flags}>")
endif()
