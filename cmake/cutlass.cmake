# EMBEDSERVE_CUTLASS: matrix products with their activation fused, for Hopper. Off in development:
# each of its files takes the compiler a minute and 4 GB.
option(EMBEDSERVE_CUTLASS "Build the kernels that need CUTLASS (fetched, headers only)" OFF)
set(EMBEDSERVE_CUTLASS_DIR "" CACHE PATH "A folder with include/cutlass and util/cutlass, instead of fetching one")
if(EMBEDSERVE_CUTLASS AND EMBEDSERVE_WITH_CUDA)
  set(cutlass "${EMBEDSERVE_CUTLASS_DIR}")
  if(NOT cutlass)
    set(cutlass "${CMAKE_BINARY_DIR}/cutlass")
    execute_process(COMMAND "${PROJECT_SOURCE_DIR}/scripts/fetch-cutlass" "${cutlass}" RESULT_VARIABLE failed)
    if(failed)
      message(FATAL_ERROR "CUTLASS could not be fetched: set EMBEDSERVE_CUTLASS_DIR to a copy of it, "
                          "or build with -DEMBEDSERVE_CUTLASS=OFF")
    endif()
  endif()
  add_library(embedserve_cutlass INTERFACE)
  target_include_directories(embedserve_cutlass SYSTEM INTERFACE "${cutlass}/include" "${cutlass}/util")
  # Without NDEBUG device asserts become calls, and ptxas then serialises wgmma (C7510): an error.
  target_compile_definitions(embedserve_cutlass INTERFACE NDEBUG)
  target_compile_options(embedserve_cutlass INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr>")
endif()
