// A CUDA stream whose first failure sticks. Launchers take a Stream, do nothing once it has failed,
// and record their own failure in it: a forward pass reads as a plain list of operations with one
// check at its end.
#pragma once

#include <cuda_runtime_api.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace embedserve::kernels {

// What a block may have on every supported card: 8.6, 8.9 and 12.0 have no more.
inline constexpr std::size_t kLeastSharedBytes = std::size_t{99} << 10;

class Stream {
 public:
  // A non-blocking stream on device `ordinal`, which becomes the calling thread's current device.
  // Tests name `most_shared_bytes` to get what a card with less shared memory would run.
  explicit Stream(int ordinal, std::size_t most_shared_bytes = SIZE_MAX);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Each thread that uses the stream calls this first: CUDA's current device belongs to a thread.
  void MakeCurrent();

  int ordinal() const { return ordinal_; }
  int multiprocessors() const { return multiprocessors_; }  // of its device
  // Shared memory that a block may have: 227 KB on an H100, kLeastSharedBytes on some others.
  std::size_t most_shared_bytes() const { return most_shared_bytes_; }
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
  // Is everything submitted done, or has it failed?
  bool Idle();
  // Waits for everything submitted; failures of kernels show here.
  void Synchronize();
  // A device that leaves what was submitted undone for so long, by the clock of Idle and
  // Synchronize, hangs: the stream fails and DeviceHangs() is set. Zero, as it is at first: it may
  // take as long as it likes.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }
  // Of a stream that is done, without waiting: a kernel on another stream may have failed since,
  // and that poisons the device's memory for all.
  void Recheck();

 private:
  bool LosesPatience();

  int ordinal_;
  int multiprocessors_ = 0;
  std::size_t most_shared_bytes_;
  bool launches_early_ = false;
  cudaStream_t stream_ = nullptr;
  std::string error_;
  std::chrono::milliseconds patience_{0};
  std::optional<std::chrono::steady_clock::time_point> busy_since_;  // found busy first
};

}  // namespace embedserve::kernels
