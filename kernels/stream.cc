#include "kernels/stream.h"

#include <cuda_runtime_api.h>

#include <algorithm>

#include "kernels/code_architecture.h"

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
  if (stream_ != nullptr) cudaStreamDestroy(stream_);  // fails only while the runtime unloads
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
    return false;
  }
  Check(code, "query");
  return true;
}

void Stream::Synchronize() {
  if (stream_ != nullptr) Check(cudaStreamSynchronize(stream_), "synchronize");
}

void Stream::Recheck() {
  if (stream_ != nullptr) Check(cudaStreamQuery(stream_), "device");
}

}  // namespace embedserve::kernels
