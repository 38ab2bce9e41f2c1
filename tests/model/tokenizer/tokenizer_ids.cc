// The tokenizer as a command, for differential tests against the reference library:
//   tokenizer_ids (--file TOKENIZER.json | --folder DIR) [--max-length N] [--left] [--no-special]
//                 [--split-special] [--lower-case-first] [--pairs HOW | --stream] < LINES
// Each line of standard input is a JSON string; its ids are printed as a JSON array. With --pairs
// longest_first, only_first or only_second it is an array of two strings, for which [ids, type ids]
// is printed, or null where the limit leaves nothing of the text that is cut.
//
// With --stream instead, for millions of texts: standard input holds requests, each five int32
// (texts, --max-length, 1 for --left, 1 for --no-special, bytes of all texts), then an int32 size
// for each text, then their bytes. Once a request is read whole comes its answer: the number of
// int32 that follow, then for each text the number of its ids and the ids.
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "fmt/format.h"
#include "model/tokenizer/tokenizer.h"

namespace embedserve {
namespace {

struct Arguments {
  std::string file;
  std::string folder;
  TokenizeOptions options;
  FolderTokenizerOptions folder_options;
  bool pairs = false;
  bool stream = false;
};

bool Parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&] { return i + 1 < argc ? argv[++i] : ""; };
    if (flag == "--file") {
      arguments.file = value();
    } else if (flag == "--folder") {
      arguments.folder = value();
    } else if (flag == "--max-length") {
      const char* text = value();
      std::from_chars(text, text + std::strlen(text), arguments.options.max_length);
    } else if (flag == "--left") {
      arguments.options.truncation_side = TruncationSide::kStart;
    } else if (flag == "--no-special") {
      arguments.options.add_special_tokens = false;
    } else if (flag == "--stream") {
      arguments.stream = true;
    } else if (flag == "--pairs") {
      arguments.pairs = true;
      const std::string_view how = value();
      if (how == "only_first") arguments.options.pair_truncation = PairTruncation::kOnlyFirst;
      if (how == "only_second") arguments.options.pair_truncation = PairTruncation::kOnlySecond;
    } else if (flag == "--split-special") {
      arguments.options.split_special_tokens = true;
    } else if (flag == "--lower-case-first") {
      arguments.folder_options.lower_case_first = true;
    } else {
      return false;
    }
  }
  return arguments.file.empty() != arguments.folder.empty();
}

bool ReadAll(void* to, std::size_t bytes) {
  std::cin.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
  return static_cast<std::size_t>(std::cin.gcount()) == bytes;
}

// What is printed for one line of standard input.
absl::StatusOr<std::string> Answer(const Tokenizer& tokenizer, const Arguments& arguments,
                                   const std::string& line, Tokenizer::Scratch& scratch) {
  const auto value = nlohmann::json::parse(line);
  if (!arguments.pairs) {
    const auto text = value.get<std::string>();
    const std::string_view view = text;
    TokenBatch batch;
    const absl::Status status =
        tokenizer.Encode(std::span(&view, 1), arguments.options, scratch, batch);
    if (!status.ok()) return status;
    return fmt::format("[{}]", fmt::join(batch.ids, ","));
  }
  const auto texts = value.get<std::vector<std::string>>();
  const TextPair pair = {texts.at(0), texts.at(1)};
  PairBatch batch;
  const absl::Status status =
      tokenizer.EncodePairs(std::span(&pair, 1), arguments.options, scratch, batch);
  if (absl::StrContains(status.message(), "would leave nothing")) return "null";
  if (!status.ok()) return status;
  return fmt::format("[[{}],[{}]]", fmt::join(batch.tokens.ids, ","),
                     fmt::join(batch.type_ids, ","));
}

int Lines(const Tokenizer& tokenizer, const Arguments& arguments) {
  Tokenizer::Scratch scratch;
  for (std::string line; std::getline(std::cin, line);) {
    const auto answer = Answer(tokenizer, arguments, line, scratch);
    if (!answer.ok()) {
      std::cerr << answer.status() << "\n";
      return 4;
    }
    std::cout << *answer << "\n";
  }
  return 0;
}

int Stream(const Tokenizer& tokenizer) {
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  std::vector<int32_t> sizes;
  std::string bytes;
  std::vector<std::string_view> texts;
  std::vector<int32_t> answer;
  for (std::array<int32_t, 5> request; ReadAll(request.data(), sizeof(request));) {
    const auto& [count, max_length, left, no_special, total] = request;
    sizes.resize(static_cast<std::size_t>(count));
    bytes.resize(static_cast<std::size_t>(total));
    if (!ReadAll(sizes.data(), sizes.size() * sizeof(int32_t))) return 5;
    if (!ReadAll(bytes.data(), bytes.size())) return 5;
    texts.clear();
    for (std::size_t at = 0; const int32_t size : sizes) {
      texts.emplace_back(bytes.data() + at, static_cast<std::size_t>(size));
      at += static_cast<std::size_t>(size);
    }
    batch.clear();
    const TokenizeOptions options{
        .max_length = max_length,
        .truncation_side = left ? TruncationSide::kStart : TruncationSide::kEnd,
        .add_special_tokens = !no_special};
    if (const absl::Status status = tokenizer.Encode(texts, options, scratch, batch);
        !status.ok()) {
      std::cerr << status << "\n";
      return 4;
    }
    answer.assign(1, 0);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::span<const int32_t> ids = batch[i];
      answer.push_back(static_cast<int32_t>(ids.size()));
      answer.insert(answer.end(), ids.begin(), ids.end());
    }
    answer[0] = static_cast<int32_t>(answer.size() - 1);
    std::cout.write(reinterpret_cast<const char*>(answer.data()),
                    static_cast<std::streamsize>(answer.size() * sizeof(int32_t)));
    std::cout.flush();
  }
  return 0;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments)) {
    std::cerr << "usage: tokenizer_ids (--file TOKENIZER.json | --folder DIR) [--max-length N] "
                 "[--left] [--no-special] [--split-special] [--lower-case-first] "
                 "[--pairs HOW | --stream] < LINES\n";
    return 2;
  }
  const auto tokenizer = arguments.folder.empty()
                             ? Tokenizer::FromFile(arguments.file)
                             : Tokenizer::FromFolder(arguments.folder, arguments.folder_options);
  if (!tokenizer.ok()) {
    std::cerr << tokenizer.status() << "\n";
    return 3;
  }
  for (const std::string& warning : (*tokenizer)->warnings()) std::cerr << warning << "\n";
  std::ios::sync_with_stdio(false);
  return arguments.stream ? Stream(**tokenizer) : Lines(**tokenizer, arguments);
}

}  // namespace
}  // namespace embedserve

// NOLINTNEXTLINE(bugprone-exception-escape): where a stream throws, there is nothing to do but end
int main(int argc, char** argv) { return embedserve::Main(argc, argv); }
