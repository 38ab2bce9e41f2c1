// Texts of a request -> token ids, each distinct text once: inline for a few, in chunks on the task
// pool for many.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "model/model.h"
#include "server/options.h"
#include "server/task_pool.h"

namespace embedserve {

// Texts that share a prompt and a field of the request.
struct TextGroup {
  std::string_view field;               // "texts", for errors; static storage
  std::vector<std::string_view> texts;  // views into the request
  std::string prompt;
};

struct TokenizedTexts {
  TokenBatch tokens;                   // of the distinct texts
  std::vector<int32_t> pooling_start;  // one a distinct text; empty without special tokens
  std::vector<uint32_t> row_of;        // text, counted over all groups -> its place in tokens
};

struct TokenizeTextsOptions {
  OverlongTexts overlong = OverlongTexts::kCutAsModel;
  bool special_tokens = true;
};

// Calls `done` once, on this thread or one of the pool's. Views into the request must stay valid
// until then. INVALID_ARGUMENT with details names the first bad text as "texts[3]".
void TokenizeTexts(const Model& model, TaskPool& tasks, Tokenizer::Scratch& scratch,
                   std::vector<TextGroup> groups, const TokenizeTextsOptions& options,
                   absl::AnyInvocable<void(absl::StatusOr<TokenizedTexts>)> done);

}  // namespace embedserve
