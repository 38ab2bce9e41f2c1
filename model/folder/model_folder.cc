#include "model/folder/model_folder.h"

#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "model/folder/content_hash.h"
#include "model/folder/encoder_config_reader.h"
#include "model/folder/encoder_weights_reader.h"
#include "model/folder/file.h"
#include "model/folder/json.h"
#include "model/folder/module_list.h"
#include "model/folder/refuse.h"
#include "model/folder/sentence_config.h"
#include "model/folder/status_macros.h"
#include "model/folder/tensor_set.h"

namespace embedserve {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kModules = "modules.json";
constexpr std::string_view kConfig = "config.json";
constexpr std::string_view kTokenizerConfig = "tokenizer_config.json";

// In the order in which the reference looks; the later ones are names of old releases.
constexpr std::string_view kTransformerModuleConfigs[] = {
    "sentence_bert_config.json",       "sentence_roberta_config.json",
    "sentence_distilbert_config.json", "sentence_camembert_config.json",
    "sentence_albert_config.json",     "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json"};

// Everything from which a tokenizer can be built (semantics.md 1.4).
constexpr std::string_view kTokenizerFiles[] = {"tokenizer.json",
                                                "vocab.txt",
                                                "vocab.json",
                                                "merges.txt",
                                                "sentencepiece.bpe.model",
                                                kTokenizerConfig,
                                                "special_tokens_map.json",
                                                "added_tokens.json"};

bool IsDirectory(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

absl::Status CheckDirectory(const fs::path& directory) {
  ASSIGN_OR_RETURN(const bool exists, FileExists(directory));
  if (!exists) return Refuse("{}: no such folder", directory.string());
  if (!IsDirectory(directory)) {
    return Refuse("{}: is a file; expected the folder of a sentence-transformers model",
                  directory.string());
  }
  std::error_code error;
  const fs::directory_iterator entries(directory, error);
  if (error) return Refuse("{}: cannot be read: {}", directory.string(), error.message());
  if (entries == fs::directory_iterator()) {
    return Refuse("{}: is empty; expected the folder of a sentence-transformers model",
                  directory.string());
  }
  return absl::OkStatus();
}

// Neither modules.json nor config.json: what else is this folder?
absl::Status RefuseOtherFolder(const fs::path& directory) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory / "snapshots", ignored)) {
    return Refuse("{}: is a hub cache's folder of a model; give the folder inside it: {}",
                  directory.string(), entry.path().string());
  }
  return Refuse("{}: holds neither {} nor {}; expected the folder of a sentence-transformers model",
                directory.string(), kModules, kConfig);
}

// Reads a folder step by step into `folder`; each step needs those before it.
class FolderReader {
 public:
  explicit FolderReader(const fs::path& directory) { folder_.directory = directory; }

  absl::StatusOr<ModelFolder> Read() && {
    RETURN_IF_ERROR(CheckDirectory(folder_.directory));
    RETURN_IF_ERROR(ReadModules());
    RETURN_IF_ERROR(ReadEncoder());
    if (modules_.empty()) {
      RETURN_IF_ERROR(ReadDefaultPooling());
    } else {
      RETURN_IF_ERROR(ReadSentenceTransformers());
      RETURN_IF_ERROR(ReadPooling());
    }
    RETURN_IF_ERROR(ReadHead());
    RETURN_IF_ERROR(ReadLimits());
    RETURN_IF_ERROR(Hash());
    return std::move(folder_);
  }

 private:
  using JsonOrStatus = absl::StatusOr<std::unique_ptr<const JsonFile>>;

  JsonOrStatus ReadJson(const fs::path& path) {
    ASSIGN_OR_RETURN(auto file, JsonFile::Read(path));
    for (const std::string& warning : file->warnings()) folder_.warnings.push_back(warning);
    hashed_.push_back(path);
    return file;
  }
  // Null if absent.
  JsonOrStatus ReadJsonIfPresent(const fs::path& path) {
    ASSIGN_OR_RETURN(const bool exists, FileExists(path));
    if (!exists) return nullptr;
    return ReadJson(path);
  }

  absl::Status ReadModules() {
    folder_.transformer = folder_.directory;
    ASSIGN_OR_RETURN(const auto file, ReadJsonIfPresent(folder_.directory / kModules));
    if (file == nullptr) {
      ASSIGN_OR_RETURN(const bool plain, FileExists(folder_.directory / kConfig));
      return plain ? absl::OkStatus() : RefuseOtherFolder(folder_.directory);
    }
    ASSIGN_OR_RETURN(modules_, ReadModuleList(file->root()));
    for (const ModuleEntry& module : modules_) {
      const fs::path path = folder_.directory / module.path;
      // Normalize has no files, and git keeps no empty folder.
      if (IsDirectory(path) || module.kind == ModuleKind::kNormalize) continue;
      return Refuse("{}: no such folder, but {} names it for module {}; the copy is incomplete",
                    path.string(), file->name(), Name(module.kind));
    }
    if (!modules_[0].path.empty()) folder_.transformer /= modules_[0].path;
    return absl::OkStatus();
  }

  absl::Status ReadEncoder() {
    ASSIGN_OR_RETURN(const bool adapter, FileExists(folder_.transformer / "adapter_config.json"));
    if (adapter) {
      return Refuse(
          "{}: adapters (PEFT, LoRA) are not supported; merge it into its base model and "
          "save that",
          (folder_.transformer / "adapter_config.json").string());
    }
    ASSIGN_OR_RETURN(config_, ReadJson(folder_.transformer / kConfig));
    ASSIGN_OR_RETURN(folder_.encoder, ReadEncoderConfig(config_->root(), folder_.warnings));
    folder_.dimensions = folder_.encoder.hidden;
    ASSIGN_OR_RETURN(TensorSet tensors, TensorSet::Open(folder_.transformer));
    ASSIGN_OR_RETURN(folder_.weights, ReadEncoderWeights(folder_.encoder, tensors));
    return Keep(tensors);
  }

  // The views into `tensors` stay valid: the folder takes the files over.
  absl::Status Keep(const TensorSet& tensors) {
    RETURN_IF_ERROR(CheckFinite(tensors));
    folder_.files.insert(folder_.files.end(), tensors.files().begin(), tensors.files().end());
    return absl::OkStatus();
  }

  // Without modules.json: as the reference, mean pooling; the last token for a causal model.
  absl::Status ReadDefaultPooling() {
    ASSIGN_OR_RETURN(const bool is_causal, config_->root().BoolOr("is_causal", true));
    ASSIGN_OR_RETURN(const auto architectures, config_->root().Find("architectures"));
    bool causal = false;
    if (architectures && is_causal) {
      RETURN_IF_ERROR(
          architectures->ForEachElement([&causal](std::size_t i, JsonValue value) -> absl::Status {
            ASSIGN_OR_RETURN(const std::string_view name, value.AsString());
            causal |= i == 0 && name.ends_with("ForCausalLM");
            return absl::OkStatus();
          }));
    }
    if (causal) folder_.pooling.modes = {PoolingMode::kLastToken};
    folder_.prompts = SentenceTransformersConfig().prompts;
    folder_.warnings.push_back(fmt::format(
        "{}: there is no {}: as in the reference, pooling is {}, without prompts, normalisation or "
        "lower-casing; if the model was saved by sentence-transformers, the copy is incomplete",
        folder_.directory.string(), kModules, Name(folder_.pooling.modes[0])));
    return absl::OkStatus();
  }

  absl::Status ReadSentenceTransformers() {
    ASSIGN_OR_RETURN(const auto file,
                     ReadJsonIfPresent(folder_.directory / "config_sentence_transformers.json"));
    SentenceTransformersConfig config;
    if (file != nullptr) {
      ASSIGN_OR_RETURN(config, ReadSentenceTransformersConfig(file->root(), folder_.warnings));
    }
    folder_.prompts = std::move(config.prompts);
    folder_.default_prompt_name = std::move(config.default_prompt_name);
    folder_.similarity_function = config.similarity_function;
    folder_.truncate_dim = config.truncate_dim;

    for (const std::string_view name : kTransformerModuleConfigs) {
      ASSIGN_OR_RETURN(const auto json, ReadJsonIfPresent(folder_.transformer / name));
      if (json == nullptr || json->root().size() == 0) continue;
      ASSIGN_OR_RETURN(transformer_config_, ReadTransformerModuleConfig(json->root()));
      break;
    }
    folder_.do_lower_case = transformer_config_.do_lower_case;
    return absl::OkStatus();
  }

  absl::Status ReadPooling() {
    ASSIGN_OR_RETURN(const auto file, ReadJson(folder_.directory / modules_[1].path / kConfig));
    ASSIGN_OR_RETURN(folder_.pooling, ReadPoolingConfig(file->root(), folder_.encoder.hidden));
    return absl::OkStatus();
  }

  absl::Status ReadHead() {
    folder_.dimensions *= static_cast<int>(folder_.pooling.modes.size());
    for (std::size_t i = 2; i < modules_.size(); ++i) RETURN_IF_ERROR(ReadHeadModule(modules_[i]));
    if (!folder_.head.empty() && std::holds_alternative<NormalizeModule>(folder_.head.back())) {
      folder_.head.pop_back();
      folder_.normalizes = true;
    }
    if (folder_.truncate_dim.value_or(1) > folder_.dimensions) {
      return Refuse("{}: config_sentence_transformers.json: truncate_dim is {}; expected 1 to {}",
                    folder_.directory.string(), *folder_.truncate_dim, folder_.dimensions);
    }
    return absl::OkStatus();
  }

  absl::Status ReadHeadModule(const ModuleEntry& module) {
    const fs::path path = folder_.directory / module.path;
    switch (module.kind) {
      case ModuleKind::kTransformer:
      case ModuleKind::kPooling:
        return absl::OkStatus();  // ReadModuleList lets neither come here
      case ModuleKind::kDense:
      case ModuleKind::kLayerNorm: {
        ASSIGN_OR_RETURN(const auto file, ReadJson(path / kConfig));
        ASSIGN_OR_RETURN(TensorSet tensors, TensorSet::Open(path));
        if (module.kind == ModuleKind::kDense) {
          ASSIGN_OR_RETURN(DenseModule dense, ReadDense(file->root(), folder_.dimensions, tensors));
          folder_.dimensions = dense.out_features;
          folder_.head.push_back(std::move(dense));
        } else {
          ASSIGN_OR_RETURN(LayerNormModule norm,
                           ReadLayerNorm(file->root(), folder_.dimensions, tensors));
          folder_.head.push_back(std::move(norm));
        }
        return Keep(tensors);
      }
      case ModuleKind::kNormalize:
      case ModuleKind::kDropout: {
        const bool normalize = module.kind == ModuleKind::kNormalize;
        ASSIGN_OR_RETURN(const auto file, ReadJsonIfPresent(path / kConfig));
        if (file != nullptr) {
          RETURN_IF_ERROR(normalize ? CheckNormalize(file->root()) : CheckDropout(file->root()));
        }
        if (normalize) folder_.head.push_back(NormalizeModule());
        return absl::OkStatus();
      }
    }
    std::abort();
  }

  absl::Status ReadLimits() {
    // Hashed with the tokenizer's files.
    const fs::path path = folder_.transformer / kTokenizerConfig;
    std::optional<int> model_max_length;
    ASSIGN_OR_RETURN(const bool exists, FileExists(path));
    if (exists) {
      ASSIGN_OR_RETURN(const auto file, JsonFile::Read(path));
      ASSIGN_OR_RETURN(model_max_length,
                       ReadModelMaxLength(file->root(), folder_.encoder, folder_.warnings));
    }
    folder_.max_sequence_length = SequenceLimit(
        transformer_config_.max_seq_length, model_max_length, folder_.encoder, folder_.warnings);
    return absl::OkStatus();
  }

  absl::Status Hash() {
    for (const std::string_view name : kTokenizerFiles) {
      ASSIGN_OR_RETURN(const bool exists, FileExists(folder_.transformer / name));
      if (exists) hashed_.push_back(folder_.transformer / name);
    }
    std::vector<MappedFile> mapped;
    std::vector<HashedFile> files;
    for (const fs::path& path : hashed_) {
      ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
      files.push_back({path.lexically_relative(folder_.directory).string(), file.bytes()});
      mapped.push_back(std::move(file));
    }
    for (const TensorFile& file : folder_.files) {
      files.push_back({file.path().lexically_relative(folder_.directory).string(), file.bytes()});
    }
    ASSIGN_OR_RETURN(folder_.content_hash, ContentHash(files));
    return absl::OkStatus();
  }

  ModelFolder folder_;
  std::vector<ModuleEntry> modules_;  // empty without modules.json
  std::unique_ptr<const JsonFile> config_;
  TransformerModuleConfig transformer_config_;
  std::vector<fs::path> hashed_;
};

}  // namespace

absl::StatusOr<ModelFolder> ModelFolder::Read(const std::filesystem::path& directory) {
  return FolderReader(directory).Read();
}

}  // namespace embedserve
