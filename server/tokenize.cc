#include <utility>

#include "embedserve/v1/embedding.pb.h"
#include "model/folder/status_macros.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/request_checks.h"
#include "server/request_parser.h"
#include "server/tokenize_texts.h"

namespace embedserve {
namespace {

PromptChoice ChoiceOf(const v1::TokenizeRequest& request) {
  PromptChoice choice;
  if (request.has_prompt_name()) choice.name = request.prompt_name();
  if (request.has_prompt()) choice.text = request.prompt();
  return choice;
}

// Bytes of the answer, roughly: an id takes up to 4, a token its spelling and a header.
std::size_t ReplyBytes(const TokenizedTexts& texts, const Tokenizer& tokenizer) {
  std::size_t bytes = 0;
  for (const uint32_t row : texts.row_of) {
    for (const int32_t id : texts.tokens[row]) bytes += 4 + 3 + tokenizer.Token(id).size();
  }
  return bytes;
}

absl::Status Answer(Call& call, const TokenizedTexts& texts) {
  const Tokenizer& tokenizer = call.serving().model.tokenizer();
  const std::size_t bytes = ReplyBytes(texts, tokenizer);
  RETURN_IF_ERROR(CheckReplyBytes(call.serving(), bytes, ""));
  RETURN_IF_ERROR(call.TakeBytes(bytes));
  v1::TokenizeResponse response;
  for (const uint32_t row : texts.row_of) {
    v1::TokenSequence& sequence = *response.add_sequences();
    for (const int32_t id : texts.tokens[row]) {
      sequence.add_ids(id);
      sequence.add_tokens(std::string(tokenizer.Token(id)));
    }
    sequence.set_truncated(texts.tokens.truncated[row] != 0);
  }
  call.Reply(ToByteBuffer(response));
  return absl::OkStatus();
}

absl::Status Tokenize(const std::shared_ptr<Call>& call) {
  Serving& serving = call->serving();
  const auto request = std::make_shared<v1::TokenizeRequest>();
  RETURN_IF_ERROR(ParseRequest(call->request(), *request));
  RETURN_IF_ERROR(CheckModelName(serving, request->model()));
  RETURN_IF_ERROR(
      CheckTextCount(serving, "texts", static_cast<std::size_t>(request->texts_size())));
  TokenizeTextsOptions options{.special_tokens = !request->without_special_tokens()};
  ASSIGN_OR_RETURN(options.overlong, ResolveTruncation(serving, request->truncation()));
  ASSIGN_OR_RETURN(std::string prompt, ResolvePrompt(serving, "prompt_name", ChoiceOf(*request)));
  TokenizeTexts(serving.model, serving.tasks, call->scratch(),
                {MakeGroup("texts", request->texts(), std::move(prompt))}, options,
                [call, request](absl::StatusOr<TokenizedTexts> texts) {
                  absl::Status status = texts.ok() ? call->StillWanted() : texts.status();
                  if (status.ok()) status = Answer(*call, *texts);
                  if (!status.ok()) call->Fail(status);
                });
  return absl::OkStatus();
}

}  // namespace

void HandleTokenize(const std::shared_ptr<Call>& call) {
  if (absl::Status status = Tokenize(call); !status.ok()) call->Fail(status);
}

}  // namespace embedserve
