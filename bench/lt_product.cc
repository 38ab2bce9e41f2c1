#include "bench/lt_product.h"

#include <cstdint>
#include <string>

namespace embedserve {
namespace {

constexpr int kMostCandidates = 32;

bool Check(kernels::Stream& stream, cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    stream.Fail("cuBLASLt", std::string(what) + ": " + cublasLtGetStatusString(status));
  }
  return stream.ok();
}

bool IsFp8(cudaDataType_t type) { return type == CUDA_R_8F_E4M3; }

}  // namespace

LtProduct::LtProduct(kernels::Stream& stream, const kernels::GemmLibrary& library, Shape shape)
    : library_(library.get()), shape_(shape) {
  if (stream.ok() && Describe(stream)) Ask(stream);
}

// As in kernels/gemm.cc: y^T (N, M) = w^T x in cuBLASLt's column-first terms.
bool LtProduct::Describe(kernels::Stream& stream) {
  cublasStatus_t status = cublasLtMatmulDescInit(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    if (status == CUBLAS_STATUS_SUCCESS) {
      status = cublasLtMatmulDescSetAttribute(&operation_, attribute, &value, sizeof value);
    }
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  const cublasLtEpilogue_t epilogue = shape_.gelu   ? CUBLASLT_EPILOGUE_GELU_BIAS
                                      : shape_.bias ? CUBLASLT_EPILOGUE_BIAS
                                                    : CUBLASLT_EPILOGUE_DEFAULT;
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
  if (shape_.bias || shape_.gelu) set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, shape_.bias_type);
  if (IsFp8(shape_.input)) {
    set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, static_cast<int8_t>(shape_.fast_sums ? 1 : 0));
  }
  if (shape_.scales == Scales::kVectors) {
    const int32_t vectors = CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F;
    set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE, vectors);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE, vectors);
    // The heuristic answers only where there are some; they are replaced before each run.
    const void* const some = this;
    set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, some);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, some);
  }
  const auto layout = [&](cublasLtMatrixLayoutOpaque_t& to, cudaDataType_t type, int row,
                          int rows) {
    if (status == CUBLAS_STATUS_SUCCESS) {
      status = cublasLtMatrixLayoutInit(&to, type, static_cast<uint64_t>(row),
                                        static_cast<uint64_t>(rows), row);
    }
  };
  layout(w_layout_, shape_.input, shape_.inputs, shape_.outputs);
  layout(x_layout_, shape_.input, shape_.inputs, shape_.rows);
  layout(c_layout_, IsFp8(shape_.output) ? CUDA_R_16F : shape_.output, shape_.outputs, shape_.rows);
  layout(y_layout_, shape_.output, shape_.outputs, shape_.rows);
  return Check(stream, status, "descriptors");
}

void LtProduct::Ask(kernels::Stream& stream) {
  cublasLtMatmulPreference_t preference = nullptr;
  if (!Check(stream, cublasLtMatmulPreferenceCreate(&preference), "preference")) return;
  const auto set = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
    Check(stream, cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value),
          "preference");
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kernels::kGemmWorkspaceBytes);
  if (shape_.in_order) {
    set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
        static_cast<uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE));
  }
  std::vector<cublasLtMatmulHeuristicResult_t> found(kMostCandidates);
  int count = 0;
  const cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(library_, &operation_, &w_layout_, &x_layout_, &c_layout_,
                                     &y_layout_, preference, kMostCandidates, found.data(), &count);
  cublasLtMatmulPreferenceDestroy(preference);
  if (status != CUBLAS_STATUS_SUCCESS) return;  // it has no such form
  for (int i = 0; i < count; ++i) {
    const cublasLtMatmulHeuristicResult_t& result = found[static_cast<std::size_t>(i)];
    if (result.state == CUBLAS_STATUS_SUCCESS) methods_.push_back(result.algo);
  }
}

cublasStatus_t LtProduct::Run(kernels::Stream& stream, const kernels::DeviceBuffer& workspace,
                              std::size_t candidate, const Operands& operands) {
  if (!stream.ok()) return CUBLAS_STATUS_NOT_INITIALIZED;
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const void* pointer) {
    cublasLtMatmulDescSetAttribute(&operation_, attribute, &pointer, sizeof pointer);
  };
  if (shape_.bias || shape_.gelu) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, operands.bias);
  if (shape_.scales == Scales::kVectors) {
    set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, operands.w_scales);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, operands.x_scales);
  }
  const float zero = 0;
  // Not read, for its factor is 0; it may be y only where the two are laid out alike.
  const void* const c = IsFp8(shape_.output) ? operands.x : operands.y;
  return cublasLtMatmul(library_, &operation_, &operands.alpha, operands.w, &w_layout_, operands.x,
                        &x_layout_, &zero, c, &c_layout_, operands.y, &y_layout_,
                        &methods_[candidate], workspace.data(), workspace.size(), stream.get());
}

}  // namespace embedserve
