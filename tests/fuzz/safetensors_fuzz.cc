// Any bytes: TensorFile either refuses them or gives views that lie inside them and cover its data.
#include <cstdlib>
#include <string>
#include <vector>

#include "model/folder/tensor_file.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto file = embedserve::TensorFile::FromBytes(bytes, "fuzz.safetensors");
  if (!file.ok()) {
    Require(file.status().code() == absl::StatusCode::kFailedPrecondition);
    return 0;
  }
  for (const std::string& name : file->names()) {
    const auto found = file->Find(name);
    if (!found.ok()) continue;  // a type that weights do not have
    const embedserve::TensorView& view = **found;
    Require(view.name == name);
    Require(view.bytes.size() == view.size() * ByteSize(view.type));
    Require(view.bytes.data() >= bytes.data() &&
            view.bytes.data() + view.bytes.size() <= bytes.data() + bytes.size());
    Require(view.ToFloat().size() == view.size());
    const auto bad = view.FirstNonFinite(0, view.size());
    Require(!bad || *bad < view.size());
  }
  return 0;
}
