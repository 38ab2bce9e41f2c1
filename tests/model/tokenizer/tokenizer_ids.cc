// The tokenizer as a command, for differential tests against the reference library:
//   tokenizer_ids (--file TOKENIZER.json | --folder DIR) [--max-length N] [--left] [--no-special]
//                 [--lower-case-first] < LINES
// Each line of standard input is a JSON string; its ids are printed as a JSON array.
#include <charconv>
#include <cstring>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "fmt/format.h"
#include "model/tokenizer/tokenizer.h"

namespace embedserve {
namespace {

struct Arguments {
  std::string file;
  std::string folder;
  TokenizeOptions options;
  FolderTokenizerOptions folder_options;
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
    } else if (flag == "--lower-case-first") {
      arguments.folder_options.lower_case_first = true;
    } else {
      return false;
    }
  }
  return arguments.file.empty() != arguments.folder.empty();
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments)) {
    std::cerr << "usage: tokenizer_ids (--file TOKENIZER.json | --folder DIR) [--max-length N] "
                 "[--left] [--no-special] [--lower-case-first] < LINES\n";
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
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  for (std::string line; std::getline(std::cin, line);) {
    const auto text = nlohmann::json::parse(line).get<std::string>();
    const std::string_view view = text;
    batch.clear();
    const absl::Status status =
        (*tokenizer)->Encode(std::span(&view, 1), arguments.options, scratch, batch);
    if (!status.ok()) {
      std::cerr << status << "\n";
      return 4;
    }
    std::cout << fmt::format("[{}]\n", fmt::join(batch.ids, ","));
  }
  return 0;
}

}  // namespace
}  // namespace embedserve

int main(int argc, char** argv) { return embedserve::Main(argc, argv); }
