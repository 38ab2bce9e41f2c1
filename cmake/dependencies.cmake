find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(absl REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)
find_package(dnnl REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(protobuf CONFIG QUIET)  # from 3.22 on it must be its own config, which brings abseil
if(NOT protobuf_FOUND)
  find_package(Protobuf REQUIRED)  # module mode: Debian's protobuf 3.21 has no CMake config
endif()
find_package(gRPC REQUIRED)
# For messages: Debian's abseil has a string_view of its own, so absl::StrCat takes no std one.
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
if(EMBEDSERVE_TESTS)
  find_package(GTest REQUIRED)
endif()
if(EMBEDSERVE_BENCH)
  find_package(benchmark REQUIRED)
endif()

if(EMBEDSERVE_STATIC)
  include(static)
  embedserve_link_archives(gRPC::grpc++ gRPC::grpc++_reflection protobuf::libprotobuf OpenSSL::Crypto fmt::fmt
    absl::any_invocable absl::flat_hash_map absl::flat_hash_set absl::function_ref absl::span absl::status
    absl::statusor absl::strings)
  # fmt and spdlog come without archives, but all of them is in their headers; --as-needed then drops
  # what nothing needs.
  set_property(TARGET fmt::fmt PROPERTY INTERFACE_COMPILE_DEFINITIONS FMT_HEADER_ONLY=1)
  set_property(TARGET spdlog::spdlog PROPERTY INTERFACE_COMPILE_DEFINITIONS SPDLOG_FMT_EXTERNAL)
  target_link_options(embedserve_options INTERFACE -static-libstdc++ -static-libgcc LINKER:--as-needed)
  # What comes as a shared library only (oneDNN, simdjson) is carried beside the binary, and GCC's
  # OpenMP, of which oneDNN must find the same.
  set(CMAKE_BUILD_RPATH "\$ORIGIN")
endif()
