// Any bytes as each of the folder's JSON files: every reader either refuses them, with a message
// that names the file, or gives a value within its bounds.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "model/folder/encoder_config_reader.h"
#include "model/folder/head_module.h"
#include "model/folder/json.h"
#include "model/folder/module_list.h"
#include "model/folder/pooling_config.h"
#include "model/folder/sentence_config.h"

namespace embedserve {
namespace {

constexpr std::string_view kName = "fuzz.json";
// An empty tensor file: 8 bytes of length, then "{}".
constexpr std::string_view kNoTensors("\2\0\0\0\0\0\0\0{}", 10);

void Require(bool condition) {
  if (!condition) std::abort();
}

bool Accepted(const absl::Status& status) {
  if (status.ok()) return true;
  Require(status.code() == absl::StatusCode::kFailedPrecondition);
  const std::string_view message(status.message().data(), status.message().size());
  Require(message.starts_with(kName) || message.starts_with("fuzz.safetensors"));
  return false;
}

void ReadEncoder(JsonValue root) {
  std::vector<std::string> warnings;
  const auto encoder = ReadEncoderConfig(root, warnings);
  if (!Accepted(encoder.status())) return;
  Require(encoder->hidden == encoder->heads * encoder->head_size && encoder->layers > 0);
  Require(encoder->pad_id >= 0 && encoder->MaxSequenceLength() >= 1);
  const auto length = ReadModelMaxLength(root, *encoder, warnings);
  if (!Accepted(length.status())) return;
  const int limit = SequenceLimit(std::nullopt, *length, *encoder, warnings);
  Require(limit >= 1 && limit <= encoder->MaxSequenceLength());
}

void ReadModules(JsonValue root) {
  const auto modules = ReadModuleList(root);
  if (!Accepted(modules.status())) return;
  Require(modules->size() >= 2 && (*modules)[0].kind == ModuleKind::kTransformer);
  for (const ModuleEntry& module : *modules) Require(!module.path.starts_with('/'));
}

void ReadSentenceConfigs(JsonValue root) {
  std::vector<std::string> warnings;
  const auto config = ReadSentenceTransformersConfig(root, warnings);
  if (Accepted(config.status())) {
    Require(config->prompts.contains("query") && config->prompts.contains("document"));
    Require(!config->default_prompt_name || config->prompts.contains(*config->default_prompt_name));
    Require(config->truncate_dim.value_or(1) >= 1);
  }
  const auto transformer = ReadTransformerModuleConfig(root);
  if (Accepted(transformer.status())) Require(transformer->max_seq_length.value_or(1) >= 1);
}

void ReadHeads(JsonValue root) {
  const auto pooling = ReadPoolingConfig(root, 8);
  if (Accepted(pooling.status())) Require(!pooling->modes.empty());
  TensorSet tensors(
      *TensorFile::FromBytes(std::as_bytes(std::span(kNoTensors)), "fuzz.safetensors"));
  Require(!Accepted(ReadDense(root, 8, tensors).status()));  // its tensors are missing
  Require(!Accepted(ReadLayerNorm(root, 8, tensors).status()));
  Accepted(CheckNormalize(root));
  Accepted(CheckDropout(root));
}

}  // namespace
}  // namespace embedserve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace embedserve;  // NOLINT(google-build-using-namespace): the only function outside
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = JsonFile::Parse(text, std::string(kName));
  if (!Accepted(file.status())) return 0;
  const JsonValue root = (*file)->root();
  ReadEncoder(root);
  ReadModules(root);
  ReadSentenceConfigs(root);
  ReadHeads(root);
  return 0;
}
