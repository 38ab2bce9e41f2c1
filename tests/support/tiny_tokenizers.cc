#include "tests/support/tiny_tokenizers.h"

#include <array>
#include <utility>
#include <vector>

namespace embedserve {
namespace {

using nlohmann::json;

json AddedToken(std::size_t id, std::string_view content, bool lstrip = false) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", lstrip},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

json Vocabulary(const std::vector<std::string>& tokens) {
  json vocabulary = json::object();
  for (std::size_t id = 0; id < tokens.size(); ++id) vocabulary[tokens[id]] = id;
  return vocabulary;
}

std::string Utf8(unsigned code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

// GPT-2's spelling of bytes: printable Latin-1 stands for itself, the others follow from U+0100.
std::array<std::string, 256> ByteSpellings() {
  std::array<std::string, 256> spellings;
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    spellings[byte] = Utf8(printable ? byte : next++);
  }
  return spellings;
}

}  // namespace

int AddWordPiece(std::map<std::string, json>& files, std::map<std::string, std::string>& text,
                 int model_max_length) {
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char c = '!'; c <= '~'; ++c) {
    if (c < 'A' || c > 'Z') tokens.emplace_back(1, c);
  }
  for (char c = 'a'; c <= 'z'; ++c) tokens.push_back(std::string("##") + c);
  for (char c = '0'; c <= '9'; ++c) tokens.push_back(std::string("##") + c);
  for (const char* token : {"the", "cat", "sat", "on", "mat", "##ing", "##ed"}) {
    tokens.emplace_back(token);
  }
  json added = json::array();
  for (std::size_t id = 0; id < 5; ++id) added.push_back(AddedToken(id, tokens[id]));
  const auto special = [](const char* name) {
    return json{{"SpecialToken", {{"id", name}, {"type_id", 0}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  files["tokenizer.json"] = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"clean_text", true},
        {"handle_chinese_chars", true},
        {"strip_accents", nullptr},
        {"lowercase", true}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", {special("[CLS]"), sequence("A", 0), special("[SEP]")}},
        {"pair",
         {special("[CLS]"), sequence("A", 0), special("[SEP]"), sequence("B", 1),
          special("[SEP]")}},
        {"special_tokens",
         {{"[CLS]", {{"id", "[CLS]"}, {"ids", {2}}, {"tokens", {"[CLS]"}}}},
          {"[SEP]", {{"id", "[SEP]"}, {"ids", {3}}, {"tokens", {"[SEP]"}}}}}}}},
      {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
      {"model",
       {{"type", "WordPiece"},
        {"unk_token", "[UNK]"},
        {"continuing_subword_prefix", "##"},
        {"max_input_chars_per_word", 100},
        {"vocab", Vocabulary(tokens)}}}};
  const json named = {{"unk_token", "[UNK]"},
                      {"sep_token", "[SEP]"},
                      {"pad_token", "[PAD]"},
                      {"cls_token", "[CLS]"},
                      {"mask_token", "[MASK]"}};
  files["special_tokens_map.json"] = named;
  files["tokenizer_config.json"] = named;
  files["tokenizer_config.json"].update({{"do_lower_case", true},
                                         {"strip_accents", nullptr},
                                         {"tokenize_chinese_chars", true},
                                         {"tokenizer_class", "BertTokenizer"},
                                         {"model_max_length", model_max_length}});
  std::string& lines = text["vocab.txt"];
  for (const std::string& token : tokens) lines += token + "\n";
  return static_cast<int>(tokens.size());
}

int AddByteLevelBpe(std::map<std::string, json>& files, std::map<std::string, std::string>& text,
                    int model_max_length) {
  std::vector<std::string> tokens = {"<s>", "<pad>", "</s>", "<unk>"};
  const std::array<std::string, 256> bytes = ByteSpellings();
  tokens.insert(tokens.end(), bytes.begin(), bytes.end());
  const std::string space = bytes[' '];
  const std::vector<std::pair<std::string, std::string>> merges = {
      {"t", "h"},   {"th", "e"},         {space, "the"}, {"a", "t"}, {"c", "at"},
      {space, "c"}, {space + "c", "at"}, {"i", "n"},     {"in", "g"}};
  std::string& merge_lines = text["merges.txt"];
  merge_lines = "#version: 0.2\n";
  json merge_list = json::array();
  for (const auto& [left, right] : merges) {
    tokens.push_back(left + right);
    merge_lines += left + " " + right + "\n";
    merge_list.push_back(left + " " + right);
  }
  tokens.emplace_back("<mask>");
  json added = json::array();
  for (std::size_t id = 0; id < 4; ++id) added.push_back(AddedToken(id, tokens[id]));
  added.push_back(AddedToken(tokens.size() - 1, "<mask>", /*lstrip=*/true));
  files["tokenizer.json"] = {{"version", "1.0"},
                             {"truncation", nullptr},
                             {"padding", nullptr},
                             {"added_tokens", added},
                             {"normalizer", nullptr},
                             {"pre_tokenizer",
                              {{"type", "ByteLevel"},
                               {"add_prefix_space", false},
                               {"trim_offsets", true},
                               {"use_regex", true}}},
                             {"post_processor",
                              {{"type", "RobertaProcessing"},
                               {"sep", {"</s>", 2}},
                               {"cls", {"<s>", 0}},
                               {"trim_offsets", true},
                               {"add_prefix_space", false}}},
                             {"decoder",
                              {{"type", "ByteLevel"},
                               {"add_prefix_space", true},
                               {"trim_offsets", true},
                               {"use_regex", true}}},
                             {"model",
                              {{"type", "BPE"},
                               {"dropout", nullptr},
                               {"unk_token", nullptr},
                               {"continuing_subword_prefix", ""},
                               {"end_of_word_suffix", ""},
                               {"fuse_unk", false},
                               {"vocab", Vocabulary(tokens)},
                               {"merges", merge_list}}}};
  files["vocab.json"] = Vocabulary(tokens);
  const json named = {{"bos_token", "<s>"},    {"eos_token", "</s>"},  {"sep_token", "</s>"},
                      {"cls_token", "<s>"},    {"unk_token", "<unk>"}, {"pad_token", "<pad>"},
                      {"mask_token", "<mask>"}};
  files["special_tokens_map.json"] = named;
  files["tokenizer_config.json"] = named;
  files["tokenizer_config.json"].update({{"add_prefix_space", false},
                                         {"trim_offsets", true},
                                         {"tokenizer_class", "RobertaTokenizer"},
                                         {"model_max_length", model_max_length}});
  return static_cast<int>(tokens.size());
}

}  // namespace embedserve
