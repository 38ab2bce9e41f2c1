// The door of the model layer: a folder loaded, its tokenizer, and engines made from it.
// A Model is const after load and shared by all threads.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/engine/engine.h"
#include "model/folder/model_folder.h"
#include "model/tokenizer/tokenizer.h"

namespace embedserve {

// Which prompt a request chose: none of the two = the folder's default prompt, if it has one.
struct PromptChoice {
  std::optional<std::string> name;  // must be a key of the folder's prompts
  std::optional<std::string> text;  // literal; "" switches the default off
};

class Model {
 public:
  // Reads and checks the folder and its tokenizer, and that they fit together. Every byte of the
  // weights is read, to be hashed and found finite, but none is kept: they stay mapped. Well under
  // a second for a small model.
  static absl::StatusOr<std::unique_ptr<const Model>> Load(const std::filesystem::path& directory);

  const ModelFolder& folder() const { return folder_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  const std::string& name() const { return name_; }  // the directory's last component
  const std::vector<std::string>& warnings() const { return warnings_; }
  // Short hash of weights, tokenizer, module configs and compute type: equal fingerprints mean
  // comparable vectors.
  std::string Fingerprint(ComputeType type) const;

  // A view into `choice` or the folder. INVALID_ARGUMENT for an unknown name, listing the known
  // ones.
  absl::StatusOr<std::string_view> ResolvePrompt(const PromptChoice& choice) const;

  // Width of an embedding for a request's `dimensions`: 0 = the folder's truncate_dim, else all.
  // INVALID_ARGUMENT beyond the model's width.
  absl::StatusOr<int> ResolveDimensions(int64_t requested) const;

  // Tokens of `prompt` + each text, cut to the model's limit on `side` (unset: the tokenizer's).
  // `pooling_start` (one per text, appended) is what PackedBatch wants. INVALID_ARGUMENT names the
  // text by index: invalid UTF-8, or no token left to pool beside the prompt.
  absl::Status Tokenize(std::span<const std::string_view> texts, std::string_view prompt,
                        std::optional<TruncationSide> side, Tokenizer::Scratch& scratch,
                        TokenBatch& out, std::vector<int32_t>& pooling_start) const;

  // An engine for "cpu" or "cuda:N". FAILED_PRECONDITION for a device that this build or machine
  // has not. The model must outlive it. Packs the weights: seconds for a large model. The compute
  // type must be one that ChooseComputeType (devices.h) gives.
  absl::StatusOr<std::unique_ptr<Engine>> NewEngine(std::string_view device,
                                                    const EngineOptions& options) const;

 private:
  Model() = default;
  std::string name_;
  ModelFolder folder_;
  std::unique_ptr<const Tokenizer> tokenizer_;
  std::vector<std::string> warnings_;
};

}  // namespace embedserve
