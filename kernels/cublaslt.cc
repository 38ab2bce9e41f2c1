#include "kernels/cublaslt.h"

#include <cublasLt.h>
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace embedserve::kernels {
namespace {

// The name under which NVIDIA keeps one interface: it changes with the major version alone.
std::string FileName() { return "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR); }

const OpenedLibrary& Library() {
  static const OpenedLibrary kLibrary = OpenCublasLt(CublasLtFolders());
  return kLibrary;
}

// `Function` is the type of the function that <cublasLt.h> declares under this name.
template <class Function>
Function* Find(const char* name) {
  void* const found = Library().handle == nullptr ? nullptr : dlsym(Library().handle, name);
  if (found == nullptr) {
    std::fprintf(stderr, "%s: no %s; %s\n", name, FileName().c_str(), Library().why_not.c_str());
    std::abort();
  }
  return reinterpret_cast<Function*>(found);
}

}  // namespace

OpenedLibrary OpenCublasLt(std::span<const std::string> folders) {
  std::string searched, unusable;
  for (const std::string& folder : folders) {
    const std::string path = folder.empty() ? FileName() : folder + "/" + FileName();
    if (void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return {handle, ""};
    const std::string reason = dlerror();
    searched += searched.empty() ? "" : ", ";
    searched += folder.empty() ? "the system's library folders, LD_LIBRARY_PATH" : folder;
    // A file that is there and does not load: the loader says what is wrong with it.
    if (!reason.ends_with("No such file or directory")) unusable += " (" + reason + ")";
  }
  return {nullptr, FileName() + ", which is part of CUDA, could not be loaded from " + searched +
                       unusable + ": install CUDA's cuBLAS " + std::to_string(CUBLAS_VER_MAJOR) +
                       ", name its folder in LD_LIBRARY_PATH, or use --device cpu"};
}

std::vector<std::string> CublasLtFolders() {
  const std::string cuda = "/usr/local/cuda";
  std::vector<std::string> folders = {"", cuda + "/lib64",
                                      cuda + "-" + std::to_string(CUBLAS_VER_MAJOR) + "/lib64"};
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) folders.insert(folders.begin() + 1, program.parent_path().string());
  return folders;
}

const std::string& WhyNoCublasLt() { return Library().why_not; }

}  // namespace embedserve::kernels

// The library's own functions. The compiler compares each with its declaration in <cublasLt.h>, and
// the linker names any that is called and lacks here.
using embedserve::kernels::Find;

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  static const auto kFunction = Find<decltype(cublasLtCreate)>("cublasLtCreate");
  return kFunction(handle);
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  static const auto kFunction = Find<decltype(cublasLtDestroy)>("cublasLtDestroy");
  return kFunction(handle);
}

const char* cublasLtGetStatusString(cublasStatus_t status) {
  static const auto kFunction = Find<decltype(cublasLtGetStatusString)>("cublasLtGetStatusString");
  return kFunction(status);
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                              const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout,
                              const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                              const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* method,
                              void* workspace, std::size_t workspace_bytes, cudaStream_t stream) {
  static const auto kFunction = Find<decltype(cublasLtMatmul)>("cublasLtMatmul");
  return kFunction(handle, operation, alpha, a, a_layout, b, b_layout, beta, c, c_layout, d,
                   d_layout, method, workspace, workspace_bytes, stream);
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle,
                                              cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int most,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* count) {
  static const auto kFunction =
      Find<decltype(cublasLtMatmulAlgoGetHeuristic)>("cublasLtMatmulAlgoGetHeuristic");
  return kFunction(handle, operation, a, b, c, d, preference, most, results, count);
}

cublasStatus_t cublasLtMatmulDescInit_internal(cublasLtMatmulDesc_t operation, std::size_t size,
                                               cublasComputeType_t compute, cudaDataType_t scale) {
  static const auto kFunction =
      Find<decltype(cublasLtMatmulDescInit_internal)>("cublasLtMatmulDescInit_internal");
  return kFunction(operation, size, compute, scale);
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, std::size_t size) {
  static const auto kFunction =
      Find<decltype(cublasLtMatmulDescSetAttribute)>("cublasLtMatmulDescSetAttribute");
  return kFunction(operation, attribute, value, size);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  static const auto kFunction =
      Find<decltype(cublasLtMatmulPreferenceCreate)>("cublasLtMatmulPreferenceCreate");
  return kFunction(preference);
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  static const auto kFunction =
      Find<decltype(cublasLtMatmulPreferenceDestroy)>("cublasLtMatmulPreferenceDestroy");
  return kFunction(preference);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, std::size_t size) {
  static const auto kFunction =
      Find<decltype(cublasLtMatmulPreferenceSetAttribute)>("cublasLtMatmulPreferenceSetAttribute");
  return kFunction(preference, attribute, value, size);
}

cublasStatus_t cublasLtMatrixLayoutInit_internal(cublasLtMatrixLayout_t layout, std::size_t size,
                                                 cudaDataType type, std::uint64_t rows,
                                                 std::uint64_t columns, std::int64_t leading) {
  static const auto kFunction =
      Find<decltype(cublasLtMatrixLayoutInit_internal)>("cublasLtMatrixLayoutInit_internal");
  return kFunction(layout, size, type, rows, columns, leading);
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                const void* value, std::size_t size) {
  static const auto kFunction =
      Find<decltype(cublasLtMatrixLayoutSetAttribute)>("cublasLtMatrixLayoutSetAttribute");
  return kFunction(layout, attribute, value, size);
}
