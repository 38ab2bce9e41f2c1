// Matrix products by cuBLASLt, and by small_gemm.h for few rows, with every choice made at load:
// y = x w^T + bias.
//
// Sums are fp32 in one order for all numbers of rows: split-K and reductions in 16 bits are masked
// out, and a plan whose bits differ from the reference's is dropped, so a row's result does not
// depend on how many rows stand beside it. The reference is SmallGemm where it takes the shape.
#pragma once

#include <cublasLt.h>

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/device.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

// The name that CUDA's libraries have for a type.
cudaDataType_t CudaType(DType type);

// A cuBLASLt handle. Outlives the products made with it.
class GemmLibrary {
 public:
  explicit GemmLibrary(Stream& stream);
  cublasLtHandle_t get() const { return handle_.get(); }

 private:
  struct Destroy {
    void operator()(cublasLtHandle_t handle) const {
      if (!DeviceHangs()) cublasLtDestroy(handle);
    }
  };
  std::unique_ptr<cublasLtContext, Destroy> handle_;
};

// Scratch memory that a product may use on one stream; NVIDIA's advice for Hopper.
inline constexpr std::size_t kGemmWorkspaceBytes = std::size_t{32} << 20;

// Largest numbers of rows of the plans, ascending, the last is `most_rows`. Up to 512 small steps;
// beyond, halves and multiples of the rows at which tiles of 128 x 128 over 3072 columns fill a
// wave (704 on 132 multiprocessors): twice and four times as many fill one over 1536 and 768
// columns. A plan was timed at its bucket, so wide steps would leave sizes between them with a
// worse one.
std::vector<int> RowBuckets(int most_rows, int multiprocessors);

// What Gemm found at one bucket. Without an equal candidate larger calls go in smaller pieces.
struct GemmPlanReport {
  int rows = 0;
  int candidates = 0;            // of the heuristic, of a larger bucket, and SmallGemm
  int equal_candidates = 0;      // of these, those with the reference plan's bits
  float first_microseconds = 0;  // the heuristic's first choice
  float best_microseconds = 0;   // the plan taken
  bool small = false;            // it is SmallGemm
};

class Gemm {
 public:
  struct Shape {
    DType type = DType::kFp32;  // of x, w, bias and y; fp32 never rounds to TF32
    int inputs = 0;             // K
    int outputs = 0;            // N
    bool bias = false;
  };

  // Chooses a plan for each bucket by running the candidates on random rows: some milliseconds a
  // bucket. Takes TrialBytes for that, and gives them back; failures stick to `stream`.
  Gemm(Stream& stream, const GemmLibrary& library, const DeviceBuffer& workspace, Shape shape,
       int most_rows);

  // Device memory that the constructor takes and gives back.
  static std::size_t TrialBytes(const Shape& shape, int most_rows);

  // y (M, N) = x (M, K) w^T + bias, w (N, K), bias (N) or null as the shape says; M at most
  // `most_rows`. Allocates nothing. Not thread-safe: the descriptors are set for each call.
  void Run(Stream& stream, const DeviceBuffer& workspace, ConstTensor x, ConstTensor w,
           const void* bias, Tensor y);

  const Shape& shape() const { return shape_; }
  const std::vector<GemmPlanReport>& reports() const { return reports_; }

 private:
  // How a product is computed; nothing = SmallGemm.
  using Method = std::optional<cublasLtMatmulAlgo_t>;
  struct Plan {
    int most_rows = 0;
    Method method;
  };
  class Trial;

  bool Describe(Stream& stream);
  // Plans for all buckets, those that repeat what `trial` expects. A bucket may end without one.
  void ChoosePlans(Stream& stream, Trial& trial, int most_rows);
  void Choose(Stream& stream, Trial& trial, int rows, std::span<const Method> candidates);
  void SetRows(int rows);
  // False if cuBLASLt does not take the method for these operands.
  bool Launch(Stream& stream, const DeviceBuffer& workspace, const Method& method, ConstTensor x,
              ConstTensor w, const void* bias, Tensor y);
  // What cuBLASLt's heuristic offers, best guess first.
  std::vector<Method> Candidates(Stream& stream, int rows) const;

  cublasLtHandle_t library_;
  Shape shape_;
  int most_rows_ = 0;
  cublasLtMatmulDescOpaque_t operation_{};
  cublasLtMatrixLayoutOpaque_t w_layout_{}, x_layout_{}, y_layout_{};
  std::vector<Plan> plans_;  // ascending by most_rows
  std::vector<GemmPlanReport> reports_;
};

}  // namespace embedserve::kernels
