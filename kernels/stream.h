// A CUDA stream whose first failure sticks. Launchers take a Stream, do nothing once it has failed,
// and record their own failure in it: a forward pass reads as a plain list of operations with one
// check at its end.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>

namespace embedserve::kernels {

class Stream {
 public:
  // A non-blocking stream on device `ordinal`, which becomes the calling thread's current device.
  explicit Stream(int ordinal);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Each thread that uses the stream calls this first: CUDA's current device belongs to a thread.
  void MakeCurrent();

  int ordinal() const { return ordinal_; }
  int multiprocessors() const { return multiprocessors_; }  // of its device
  // May its device place a kernel before the one ahead of it has ended? Where the code it runs
  // knows how to wait (device/early.cuh): compiled for Hopper or later.
  bool launches_early() const { return launches_early_; }
  cudaStream_t get() const { return stream_; }

  bool ok() const { return error_.empty(); }
  // "attention: an illegal memory access was encountered", or empty.
  const std::string& error() const { return error_; }

  // Records `code`, unless it is success or an earlier failure is recorded. Returns ok().
  bool Check(cudaError_t code, const char* operation);
  // The same for the launch just made in this thread.
  bool CheckLaunch(const char* operation) { return Check(cudaGetLastError(), operation); }
  void Fail(const char* operation, const std::string& reason);

  // Asynchronous; the host memory must be pinned and stay valid until the stream has passed it.
  void CopyToDevice(void* to, const void* from, std::size_t bytes);
  void CopyToHost(void* to, const void* from, std::size_t bytes);
  // Waits for everything submitted; failures of kernels show here.
  void Synchronize();

 private:
  int ordinal_;
  int multiprocessors_ = 0;
  bool launches_early_ = false;
  cudaStream_t stream_ = nullptr;
  std::string error_;
};

}  // namespace embedserve::kernels
