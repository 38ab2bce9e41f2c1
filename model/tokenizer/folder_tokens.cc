#include "model/tokenizer/folder_tokens.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include "model/folder/file.h"
#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

constexpr std::array<std::string_view, kSpecialRoles> kRoleKeys = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

std::optional<std::size_t> RoleOf(std::string_view key) {
  const auto found = std::find(kRoleKeys.begin(), kRoleKeys.end(), key);
  if (found == kRoleKeys.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kRoleKeys.begin());
}

// What the class's constructor takes where no file names a token; "" = nothing.
std::array<std::string_view, kSpecialRoles> DefaultTokens(TokenizerClass tokenizer_class) {
  switch (tokenizer_class) {
    case TokenizerClass::kBert:
      return {"", "", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};
    case TokenizerClass::kMpnet:
      return {"<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"};
    case TokenizerClass::kRoberta:
    case TokenizerClass::kXlmRoberta:
    case TokenizerClass::kCamembert:
      return {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"};
    case TokenizerClass::kAsItStands:
      break;
  }
  return {};
}

// Whose mask, unless a file gives it flags, swallows the white space before it.
bool HasGreedyMask(TokenizerClass tokenizer_class) {
  return tokenizer_class == TokenizerClass::kMpnet || tokenizer_class == TokenizerClass::kCamembert;
}

AddedToken SpecialToken(std::string_view content, bool lstrip = false) {
  return {.content = std::string(content), .lstrip = lstrip, .normalized = false, .special = true};
}

// Reads the files one after the other; later ones overwrite.
class Reader {
 public:
  explicit Reader(TokenizerClass tokenizer_class) : class_(tokenizer_class) {
    const auto defaults = DefaultTokens(class_);
    for (std::size_t role = 0; role < kSpecialRoles; ++role) {
      if (!defaults[role].empty()) tokens_.named[role] = Named(role, defaults[role]);
    }
  }

  // The special tokens that tokenizer_config.json or special_tokens_map.json names.
  absl::Status ReadNames(JsonValue object, bool is_map) {
    return object.ForEachMember([&](std::string_view key, JsonValue value) -> absl::Status {
      if (key == "extra_special_tokens") return ReadExtra(value, is_map);
      if (key == "additional_special_tokens" || !key.ends_with("_token")) return absl::OkStatus();
      const std::optional<std::size_t> role = RoleOf(key);
      if (!role.has_value()) return ReadModelSpecific(value, is_map);
      if (value.IsNull()) {
        tokens_.named[*role] = std::nullopt;
        return absl::OkStatus();
      }
      if (value.IsString()) {
        ASSIGN_OR_RETURN(const std::string_view content, value.AsString());
        tokens_.named[*role] = Named(*role, content);
      } else {
        ASSIGN_OR_RETURN(tokens_.named[*role], ReadObject(value, is_map));
      }
      configured_.insert(tokens_.named[*role]->content);
      return absl::OkStatus();
    });
  }

  // The older name of extra_special_tokens. In tokenizer_config.json it becomes the newer where
  // that one holds nothing; left under its own name it counts beside none of the newer.
  absl::Status ReadAdditional(JsonValue object, bool is_map) {
    const auto additional = object.Get("additional_special_tokens");  // may be null
    if (!additional.ok()) return absl::OkStatus();
    if (!is_map && !has_extra_) return ReadExtra(*additional, is_map);
    additional_ = std::nullopt;
    if (additional->IsNull()) return absl::OkStatus();
    ASSIGN_OR_RETURN(additional_, ReadList(*additional));
    return absl::OkStatus();
  }

  absl::Status ReadDecoder(JsonValue decoder) {
    return decoder.ForEachMember([&](std::string_view key, JsonValue value) -> absl::Status {
      int64_t id = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      if (error != std::errc() || end != key.data() + key.size()) {
        return value.Error("under a key that is not a number; expected the token's id");
      }
      ASSIGN_OR_RETURN(numbered_[id], ReadFlags(value, /*special=*/false));
      return absl::OkStatus();
    });
  }

  // added_tokens.json: {"token": id}
  absl::Status ReadAddedTokensFile(JsonValue object) {
    return object.ForEachMember([&](std::string_view content, JsonValue value) -> absl::Status {
      ASSIGN_OR_RETURN(const int64_t id, value.AsInt(0, Vocabulary::kMaxIds - 1));
      const bool special = configured_.contains(std::string(content));
      numbered_[id] = {.content = std::string(content), .normalized = !special, .special = special};
      return absl::OkStatus();
    });
  }

  absl::Status ReadTokenizerFile(JsonValue root) {
    ASSIGN_OR_RETURN(const NumberedTokens listed, ReadAddedTokens(root));
    for (const auto& [id, token] : listed) numbered_[id] = token;
    return absl::OkStatus();
  }

  FolderTokens Finish(std::string numbered_in, std::optional<std::vector<AddedToken>> pieces) {
    if (!extra_listed_) {
      if (pieces.has_value()) additional_ = std::move(pieces);
      if (!additional_.has_value() && class_ == TokenizerClass::kCamembert) {
        additional_ = {SpecialToken("<s>NOTUSED"), SpecialToken("</s>NOTUSED"),
                       SpecialToken("<unk>NOTUSED")};
      }
      for (AddedToken& token : additional_.value_or(std::vector<AddedToken>())) {
        tokens_.extra.push_back(std::move(token));
      }
    }
    std::set<std::string> named = model_specific_;
    for (const auto& token : tokens_.named) {
      if (token.has_value()) named.insert(token->content);
    }
    for (AddedToken& token : tokens_.extra) token.special |= named.contains(token.content);
    for (auto& [id, token] : numbered_) {
      if (named.contains(token.content) && !token.special) {
        token.special = true;
        if (implicit_.contains(token.content)) token.normalized = false;
      }
      tokens_.numbered.emplace_back(id, token);
    }
    tokens_.numbered_in = std::move(numbered_in);
    return std::move(tokens_);
  }

 private:
  AddedToken Named(std::size_t role, std::string_view content) const {
    const bool lstrip =
        HasGreedyMask(class_) && role == static_cast<std::size_t>(SpecialRole::kMask);
    return SpecialToken(content, lstrip);
  }

  // A token with flags. "normalized" left out means "not special", as the flag is in the end.
  absl::StatusOr<AddedToken> ReadFlags(JsonValue value, bool special) {
    AddedToken defaults = {.special = special};
    ASSIGN_OR_RETURN(const AddedToken probe, ReadAddedToken(value, defaults, /*required=*/false));
    ASSIGN_OR_RETURN(const auto normalized, value.Find("normalized"));
    if (!normalized.has_value()) implicit_.insert(probe.content);
    defaults.normalized = !probe.special;
    return ReadAddedToken(value, defaults, /*required=*/false);
  }

  // A named token as an object: in tokenizer_config.json it must carry its type.
  absl::StatusOr<AddedToken> ReadObject(JsonValue value, bool is_map) {
    if (!value.IsObject()) return value.Error("expected a string, an object or null");
    if (!is_map) {
      ASSIGN_OR_RETURN(const auto type, value.OptionalString("__type"));
      if (type != "AddedToken") {
        return value.Error("expected a string, or an object with \"__type\": \"AddedToken\"");
      }
    }
    ASSIGN_OR_RETURN(AddedToken token, ReadFlags(value, /*special=*/true));
    token.special = true;
    return token;
  }

  absl::Status ReadModelSpecific(JsonValue value, bool is_map) {
    AddedToken token;
    if (value.IsString()) {
      ASSIGN_OR_RETURN(const std::string_view content, value.AsString());
      token = SpecialToken(content);
    } else if (value.IsObject()) {
      ASSIGN_OR_RETURN(token, ReadObject(value, is_map));
    } else {
      return absl::OkStatus();  // a flag such as add_bos_token
    }
    model_specific_.insert(token.content);
    tokens_.extra.push_back(std::move(token));
    return absl::OkStatus();
  }

  absl::Status ReadExtra(JsonValue value, bool is_map) {
    if (value.IsObject()) {
      has_extra_ |= value.size() > 0;
      return value.ForEachMember(
          [&](std::string_view, JsonValue token) { return ReadModelSpecific(token, is_map); });
    }
    extra_listed_ = true;
    if (value.IsNull()) return absl::OkStatus();
    has_extra_ |= value.size() > 0;
    ASSIGN_OR_RETURN(std::vector<AddedToken> list, ReadList(value));
    for (AddedToken& token : list) {
      configured_.insert(token.content);
      tokens_.extra.push_back(std::move(token));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<AddedToken>> ReadList(JsonValue value) {
    std::vector<AddedToken> list;
    RETURN_IF_ERROR(value.ForEachElement([&](std::size_t, JsonValue element) -> absl::Status {
      if (element.IsString()) {
        ASSIGN_OR_RETURN(const std::string_view content, element.AsString());
        list.push_back(SpecialToken(content));
        return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(AddedToken token, ReadObject(element, /*is_map=*/false));
      list.push_back(std::move(token));
      return absl::OkStatus();
    }));
    return list;
  }

  TokenizerClass class_;
  FolderTokens tokens_;
  std::map<int64_t, AddedToken> numbered_;
  std::set<std::string> configured_;      // contents that a file, not the class, calls special
  std::set<std::string> model_specific_;  // ... under a key of the model's own
  std::set<std::string> implicit_;        // contents that leave "normalized" to the default
  std::optional<std::vector<AddedToken>> additional_;  // under the older name
  bool has_extra_ = false;                             // extra_special_tokens holds something
  bool extra_listed_ = false;                          // ... is there, even if empty, and no object
};

absl::StatusOr<std::unique_ptr<const JsonFile>> ReadIfPresent(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const bool exists, FileExists(path));
  if (!exists) return nullptr;
  return JsonFile::Read(path);
}

}  // namespace

std::vector<AddedToken> FolderTokens::ToAdd(const AddedVocabulary& present) const {
  std::vector<AddedToken> tokens;
  std::set<std::string_view> listed;
  for (const auto& [id, token] : numbered) {
    tokens.push_back(token);
    listed.insert(token.content);
  }
  const auto add = [&](const AddedToken& token) {
    if (!present.Contains(token.content) && !listed.contains(token.content)) {
      tokens.push_back(token);
    }
  };
  for (const auto& token : named) {
    if (token.has_value()) add(*token);
  }
  for (const AddedToken& token : extra) add(token);
  return tokens;
}

absl::StatusOr<FolderTokens> ReadFolderTokens(const std::filesystem::path& directory,
                                              const std::optional<JsonValue>& tokenizer_config,
                                              const std::optional<JsonValue>& tokenizer_json,
                                              TokenizerClass tokenizer_class,
                                              std::optional<std::vector<AddedToken>> pieces) {
  Reader reader(tokenizer_class);
  if (tokenizer_config.has_value()) {
    RETURN_IF_ERROR(reader.ReadNames(*tokenizer_config, /*is_map=*/false));
    RETURN_IF_ERROR(reader.ReadAdditional(*tokenizer_config, /*is_map=*/false));
    ASSIGN_OR_RETURN(const auto decoder, tokenizer_config->Find("added_tokens_decoder"));
    if (decoder.has_value()) {
      RETURN_IF_ERROR(reader.ReadDecoder(*decoder));
      return reader.Finish(decoder->Place(), std::move(pieces));
    }
  }
  ASSIGN_OR_RETURN(const auto map, ReadIfPresent(directory / "special_tokens_map.json"));
  if (map != nullptr) {
    ASSIGN_OR_RETURN(const JsonValue root, map->RootObject());
    RETURN_IF_ERROR(reader.ReadNames(root, /*is_map=*/true));
    RETURN_IF_ERROR(reader.ReadAdditional(root, /*is_map=*/true));
  }
  ASSIGN_OR_RETURN(const auto added, ReadIfPresent(directory / "added_tokens.json"));
  if (added != nullptr) {
    ASSIGN_OR_RETURN(const JsonValue root, added->RootObject());
    RETURN_IF_ERROR(reader.ReadAddedTokensFile(root));
  }
  if (tokenizer_json.has_value()) RETURN_IF_ERROR(reader.ReadTokenizerFile(*tokenizer_json));
  return reader.Finish(
      (directory / "tokenizer.json").string() + ": added_tokens (or added_tokens.json)",
      std::move(pieces));
}

}  // namespace embedserve
