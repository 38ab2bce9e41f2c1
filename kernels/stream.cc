#include "kernels/stream.h"

#include <cuda_runtime_api.h>

#include <algorithm>

#include "kernels/code_architecture.h"
#include "kernels/device.h"

namespace embedserve::kernels {

Stream::Stream(int ordinal, std::size_t most_shared_bytes)
    : ordinal_(ordinal), most_shared_bytes_(most_shared_bytes) {
  MakeCurrent();
  if (ok()) Check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "stream");
  if (ok()) {
    Check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, ordinal_),
          "device");
    int shared = 0;
    Check(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, ordinal_),
          "device");
    most_shared_bytes_ = std::min(most_shared_bytes_, static_cast<std::size_t>(shared));
    const int architecture = CodeArchitecture();
    if (architecture == 0) Fail("device", "this build has no code for it");
    launches_early_ = architecture >= 90;
  }
}

Stream::~Stream() {
  // Fails only while the runtime unloads.
  if (stream_ != nullptr && !DeviceHangs()) cudaStreamDestroy(stream_);
}

void Stream::MakeCurrent() { Check(cudaSetDevice(ordinal_), "device"); }

bool Stream::Check(cudaError_t code, const char* operation) {
  if (code != cudaSuccess) Fail(operation, cudaGetErrorString(code));
  return ok();
}

void Stream::Fail(const char* operation, const std::string& reason) {
  if (ok()) error_ = std::string(operation) + ": " + reason;
}

void Stream::CopyToDevice(void* to, const void* from, std::size_t bytes) {
  if (!ok() || bytes == 0) return;
  Check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_), "copy to device");
}

void Stream::CopyToHost(void* to, const void* from, std::size_t bytes) {
  if (!ok() || bytes == 0) return;
  Check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_), "copy to host");
}

bool Stream::Idle() {
  if (!ok()) return true;
  const cudaError_t code = cudaStreamQuery(stream_);
  if (code == cudaErrorNotReady) {
    cudaGetLastError();  // remembers it: the next launch's check must not find it
    return LosesPatience();
  }
  busy_since_.reset();
  Check(code, "query");
  return true;
}

bool Stream::LosesPatience() {
  if (patience_.count() == 0) return false;
  const auto now = std::chrono::steady_clock::now();
  if (!busy_since_.has_value()) busy_since_ = now;
  if (now - *busy_since_ < patience_) return false;
  SetDeviceHangs();
  Fail("device", "it hangs: its work was not done after " + std::to_string(patience_.count()) +
                     " ms (--hang-timeout)");
  return true;
}

void Stream::Synchronize() {
  if (stream_ == nullptr) return;
  if (patience_.count() == 0) {
    Check(cudaStreamSynchronize(stream_), "synchronize");
  } else {
    while (!Idle()) {  // as cudaStreamSynchronize does, which has no time limit
    }
  }
}

void Stream::Recheck() {
  if (stream_ != nullptr) Check(cudaStreamQuery(stream_), "device");
}

}  // namespace embedserve::kernels
