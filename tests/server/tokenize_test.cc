// Tokenize over the wire against the tokenizer itself.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/server/test_server.h"

namespace embedserve {
namespace {

TEST(Tokenize, GivesIdsAndSpellings) {
  TestServer server;
  const Tokenizer& tokenizer = TestModel().tokenizer();
  for (const bool special : {true, false}) {
    v1::TokenizeRequest request;
    std::vector<std::string> texts = {"a text", "", "a text"};
    for (uint64_t i = 0; i < 100; ++i) texts.push_back(TextOf(i));
    for (const std::string& text : texts) request.add_texts(text);
    request.set_prompt("p ");
    request.set_without_special_tokens(!special);
    grpc::ClientContext context;
    v1::TokenizeResponse response;
    const grpc::Status status = server.stub().Tokenize(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.sequences_size(), static_cast<int>(texts.size()));
    for (int i = 0; i < response.sequences_size(); ++i) {
      const std::string prompted = "p " + texts[static_cast<std::size_t>(i)];
      const std::string_view view = prompted;
      Tokenizer::Scratch scratch;
      TokenBatch expected;
      ASSERT_TRUE(tokenizer
                      .Encode({&view, 1}, {.max_length = 32, .add_special_tokens = special},
                              scratch, expected)
                      .ok());
      const v1::TokenSequence& sequence = response.sequences(i);
      ASSERT_EQ(std::vector<int32_t>(sequence.ids().begin(), sequence.ids().end()), expected.ids);
      ASSERT_EQ(sequence.truncated(), expected.truncated[0] != 0);
      for (int t = 0; t < sequence.tokens_size(); ++t) {
        ASSERT_EQ(sequence.tokens(t), tokenizer.Token(sequence.ids(t)));
      }
    }
  }
}

}  // namespace
}  // namespace embedserve
