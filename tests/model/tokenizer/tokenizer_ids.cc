// The tokenizer as a command, for differential tests against the reference library:
//   tokenizer_ids (--file TOKENIZER.json | --folder DIR) [--max-length N] [--left] [--no-special]
//                 [--split-special] [--lower-case-first] [--stream] < LINES
// Each line of standard input is a JSON string; its ids are printed as a JSON array.
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

#include "fmt/format.h"
#include "model/tokenizer/tokenizer.h"

namespace embedserve {
namespace {

struct Arguments {
  std::string file;
  std::string folder;
  TokenizeOptions options;
  FolderTokenizerOptions folder_options;
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

int Lines(const Tokenizer& tokenizer, const TokenizeOptions& options) {
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  for (std::string line; std::getline(std::cin, line);) {
    const auto text = nlohmann::json::parse(line).get<std::string>();
    const std::string_view view = text;
    batch.clear();
    const absl::Status status = tokenizer.Encode(std::span(&view, 1), options, scratch, batch);
    if (!status.ok()) {
      std::cerr << status << "\n";
      return 4;
    }
    std::cout << fmt::format("[{}]\n", fmt::join(batch.ids, ","));
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
                 "[--left] [--no-special] [--lower-case-first] [--stream] < LINES\n";
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
  return arguments.stream ? Stream(**tokenizer) : Lines(**tokenizer, arguments.options);
}

}  // namespace
}  // namespace embedserve

int main(int argc, char** argv) { return embedserve::Main(argc, argv); }
