#include "model/tokenizer/special_tokens.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "model/folder/status_macros.h"
#include "model/tokenizer/vocabulary.h"

namespace embedserve {
namespace {

constexpr int64_t kMaxId = Vocabulary::kMaxIds - 1;

using PairPiece = SpecialTokens::PairPiece;
using Kind = PairPiece::Kind;

// ["text", id]
absl::StatusOr<int32_t> ReadTokenPair(JsonValue pair) {
  if (!pair.IsArray() || pair.size() != 2) return pair.Error("expected [token, id]");
  int64_t id = 0;
  RETURN_IF_ERROR(pair.ForEachElement([&](std::size_t i, JsonValue element) -> absl::Status {
    if (i == 0) return element.AsString().status();
    ASSIGN_OR_RETURN(id, element.AsInt(0, kMaxId));
    return absl::OkStatus();
  }));
  return static_cast<int32_t>(id);
}

// The token ids of a template's {"id": NAME, "type_id": N}.
absl::StatusOr<std::vector<int32_t>> ReadTemplateToken(JsonValue piece, JsonValue special_tokens) {
  ASSIGN_OR_RETURN(const std::string_view name, piece.String("id"));
  ASSIGN_OR_RETURN(const JsonValue token, special_tokens.Get(name));
  ASSIGN_OR_RETURN(const JsonValue list, token.Get("ids"));
  std::vector<int32_t> ids;
  RETURN_IF_ERROR(list.ForEachElement([&](std::size_t, JsonValue element) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t id, element.AsInt(0, kMaxId));
    ids.push_back(static_cast<int32_t>(id));
    return absl::OkStatus();
  }));
  return ids;
}

// A template's elements: visit("A" or "B", type id, {}) for a text, visit("", type id, ids) else.
absl::Status ForEachPiece(
    JsonValue value, JsonValue special_tokens,
    absl::FunctionRef<absl::Status(std::string_view, int32_t, const std::vector<int32_t>&)> visit) {
  return value.ForEachElement([&](std::size_t, JsonValue piece) -> absl::Status {
    ASSIGN_OR_RETURN(const auto token, piece.Find("SpecialToken"));
    const auto type_of = [](JsonValue object) {
      return object.Int("type_id", 0, std::numeric_limits<int32_t>::max());
    };
    if (token.has_value()) {
      ASSIGN_OR_RETURN(const std::vector<int32_t> ids, ReadTemplateToken(*token, special_tokens));
      ASSIGN_OR_RETURN(const int64_t type, type_of(*token));
      return visit("", static_cast<int32_t>(type), ids);
    }
    ASSIGN_OR_RETURN(const JsonValue sequence, piece.Get("Sequence"));
    ASSIGN_OR_RETURN(const std::string_view id, sequence.String("id"));
    if (id != "A" && id != "B") return sequence.Error("expected the sequence \"A\" or \"B\"");
    ASSIGN_OR_RETURN(const int64_t type, type_of(sequence));
    return visit(id, static_cast<int32_t>(type), {});
  });
}

absl::StatusOr<SpecialTokens> ReadTemplate(JsonValue value) {
  ASSIGN_OR_RETURN(const JsonValue single, value.Get("single"));
  ASSIGN_OR_RETURN(const JsonValue pair, value.Get("pair"));
  ASSIGN_OR_RETURN(const JsonValue special_tokens, value.Get("special_tokens"));
  SpecialTokens specials;
  int texts = 0;
  RETURN_IF_ERROR(ForEachPiece(
      single, special_tokens,
      [&](std::string_view text, int32_t, const std::vector<int32_t>& ids) -> absl::Status {
        if (text == "B") return single.Error("expected no sequence \"B\": it is for one text");
        if (text == "A") ++texts;
        auto& side = texts == 0 ? specials.before : specials.after;
        side.insert(side.end(), ids.begin(), ids.end());
        return absl::OkStatus();
      }));
  if (texts != 1) return single.Error("expected the sequence \"A\" exactly once");
  specials.pair.clear();
  RETURN_IF_ERROR(ForEachPiece(
      pair, special_tokens,
      [&](std::string_view text, int32_t type, const std::vector<int32_t>& ids) -> absl::Status {
        if (!text.empty()) {
          specials.pair.push_back({text == "A" ? Kind::kFirst : Kind::kSecond, type});
        }
        for (const int32_t id : ids) specials.pair.push_back({Kind::kToken, type, id});
        return absl::OkStatus();
      }));
  return specials;
}

// Keys of other types are refused: the library goes by them before it looks at "type".
absl::StatusOr<SpecialTokens> ReadOnePostProcessor(JsonValue value) {
  ASSIGN_OR_RETURN(const std::string_view type, value.String("type"));
  if (type == "ByteLevel") {  // moves offsets only
    RETURN_IF_ERROR(
        value.RefuseOtherKeys({"type", "add_prefix_space", "trim_offsets", "use_regex"}));
    return SpecialTokens();
  }
  if (type == "TemplateProcessing") {
    RETURN_IF_ERROR(value.RefuseOtherKeys({"type", "single", "pair", "special_tokens"}));
    return ReadTemplate(value);
  }
  if (type == "RobertaProcessing" || type == "BertProcessing") {
    RETURN_IF_ERROR(
        value.RefuseOtherKeys({"type", "sep", "cls", "trim_offsets", "add_prefix_space"}));
    ASSIGN_OR_RETURN(const JsonValue cls, value.Get("cls"));
    ASSIGN_OR_RETURN(const JsonValue sep, value.Get("sep"));
    ASSIGN_OR_RETURN(const int32_t cls_id, ReadTokenPair(cls));
    ASSIGN_OR_RETURN(const int32_t sep_id, ReadTokenPair(sep));
    return type == "BertProcessing" ? SpecialTokens::Bert(cls_id, sep_id)
                                    : SpecialTokens::Roberta(cls_id, sep_id);
  }
  if (type == "Sequence") {
    RETURN_IF_ERROR(value.RefuseOtherKeys({"type", "processors"}));
    SpecialTokens all;
    ASSIGN_OR_RETURN(const JsonValue list, value.Get("processors"));
    RETURN_IF_ERROR(list.ForEachElement([&](std::size_t, JsonValue element) -> absl::Status {
      ASSIGN_OR_RETURN(SpecialTokens one, ReadOnePostProcessor(element));
      if (one == SpecialTokens()) return absl::OkStatus();
      if (all != SpecialTokens()) {
        return element.Error("a second processor that adds tokens is not supported");
      }
      all = std::move(one);
      return absl::OkStatus();
    }));
    return all;
  }
  ASSIGN_OR_RETURN(const JsonValue unknown, value.Get("type"));
  return unknown.Error(
      "this post-processor is not supported; known are TemplateProcessing, RobertaProcessing, "
      "BertProcessing, ByteLevel and Sequence");
}

}  // namespace

SpecialTokens SpecialTokens::Bert(int32_t cls, int32_t sep) {
  return {{cls},
          {sep},
          {{Kind::kToken, 0, cls},
           {Kind::kFirst, 0},
           {Kind::kToken, 0, sep},
           {Kind::kSecond, 1},
           {Kind::kToken, 1, sep}}};
}

SpecialTokens SpecialTokens::Roberta(int32_t cls, int32_t sep) {
  return {{cls},
          {sep},
          {{Kind::kToken, 0, cls},
           {Kind::kFirst, 0},
           {Kind::kToken, 0, sep},
           {Kind::kToken, 0, sep},
           {Kind::kSecond, 0},
           {Kind::kToken, 0, sep}}};
}

// Pushed, not listed: gcc 12 takes a list of them for uninitialised under ThreadSanitizer.
std::vector<SpecialTokens::PairPiece> SpecialTokens::BareTexts() {
  std::vector<PairPiece> pair;
  pair.push_back({Kind::kFirst, 0});
  pair.push_back({Kind::kSecond, 1});
  return pair;
}

int SpecialTokens::pair_tokens() const {
  return static_cast<int>(std::count_if(
      pair.begin(), pair.end(), [](const PairPiece& piece) { return piece.kind == Kind::kToken; }));
}

absl::StatusOr<SpecialTokens> ReadPostProcessor(JsonValue root) {
  ASSIGN_OR_RETURN(const auto value, root.Find("post_processor"));
  if (!value.has_value()) return SpecialTokens();
  return ReadOnePostProcessor(*value);
}

}  // namespace embedserve
