#include "kernels/graph.h"

#include "kernels/device.h"

namespace embedserve::kernels {

Graph::~Graph() {
  if (executable_ != nullptr && !DeviceHangs()) cudaGraphExecDestroy(executable_);
}

// Thread-local: other threads of the process may allocate meanwhile.
void Graph::Begin(Stream& stream) {
  if (!stream.ok()) return;
  stream.Check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal), "recording");
}

Graph Graph::End(Stream& stream) {
  Graph graph;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  cudaStreamIsCapturing(stream.get(), &status);
  if (status == cudaStreamCaptureStatusNone) return graph;  // Begin failed, and said so
  cudaGraph_t recorded = nullptr;
  // Also after a failure in between: the stream must leave the recording state.
  stream.Check(cudaStreamEndCapture(stream.get(), &recorded), "recording");
  if (recorded == nullptr) return graph;
  if (stream.ok()) {
    stream.Check(cudaGraphInstantiate(&graph.executable_, recorded, 0), "graph");
  }
  if (stream.ok()) stream.Check(cudaGraphUpload(graph.executable_, stream.get()), "graph");
  cudaGraphDestroy(recorded);
  return graph;
}

void Graph::Launch(Stream& stream) const {
  if (stream.ok()) stream.Check(cudaGraphLaunch(executable_, stream.get()), "graph");
}

}  // namespace embedserve::kernels
