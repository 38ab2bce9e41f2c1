#include "model/tokenizer/added_tokens.h"

#include <algorithm>

#include "fmt/format.h"
#include "model/tokenizer/unicode_tables.h"
#include "model/tokenizer/utf8.h"

namespace embedserve {
namespace {

bool BeginsWithSpace(std::string_view text) {
  return (ClassOf(ScalarAt(text, 0).value) & CharClass::kSpace) != 0;
}

}  // namespace

void AddedVocabulary::Add(const Vocabulary& vocabulary, const std::vector<AddedToken>& tokens) {
  const auto count = static_cast<int32_t>(vocabulary.count());
  int32_t next = count;
  if (!tokens_.empty()) {
    const int32_t last = tokens_.rbegin()->first;
    if (last >= count || count == 0) next = last + 1;
  }
  for (const AddedToken& token : tokens) {
    if (token.content.empty()) continue;
    const std::optional<int32_t> known = Find(vocabulary, token.content);
    const int32_t id = known.has_value() ? *known : next++;
    ids_.insert_or_assign(token.content, id);
    if (token.special) special_.insert(token.content);
    tokens_[id] = token;
  }
}

std::optional<int32_t> AddedVocabulary::Find(const Vocabulary& vocabulary,
                                             std::string_view content) const {
  if (const auto found = ids_.find(content); found != ids_.end()) return found->second;
  return vocabulary.Find(content);
}

absl::StatusOr<AddedTokenMatcher> AddedTokenMatcher::Build(const std::vector<Pattern>& patterns) {
  AddedTokenMatcher matcher;
  std::map<std::string_view, std::string_view> contents;  // pattern -> the token as spelt
  std::vector<std::pair<std::string, int32_t>> entries;
  const bool any_rstrip = std::any_of(patterns.begin(), patterns.end(),
                                      [](const Pattern& pattern) { return pattern.token.rstrip; });
  for (const Pattern& pattern : patterns) {
    const AddedToken& token = pattern.token;
    if (pattern.text.empty()) {
      return absl::FailedPreconditionError(fmt::format(
          "added token '{}' is empty in its normal form; set its \"normalized\" to false",
          token.content));
    }
    const auto [other, added] = contents.try_emplace(pattern.text, token.content);
    if (!added) {
      return absl::FailedPreconditionError(fmt::format(
          "added tokens '{}' and '{}' have the same normal form '{}', and which one is found would "
          "be chance; set \"normalized\" of one to false",
          other->second, token.content, pattern.text));
    }
    if (token.lstrip && any_rstrip && BeginsWithSpace(pattern.text)) {
      return absl::FailedPreconditionError(fmt::format(
          "added token '{}' begins with white space and has \"lstrip\" beside a token with "
          "\"rstrip\"; set its \"lstrip\" to false",
          token.content));
    }
    entries.emplace_back(pattern.text, static_cast<int32_t>(matcher.rules_.size()));
    matcher.rules_.push_back(
        {pattern.id, pattern.special, token.single_word, token.lstrip, token.rstrip});
    matcher.first_bytes_[static_cast<unsigned char>(pattern.text[0])] = true;
  }
  if (std::count(matcher.first_bytes_.begin(), matcher.first_bytes_.end(), true) == 1) {
    matcher.only_first_byte_ = patterns.front().text.front();
  }
  matcher.trie_ = ByteTrie::Build(std::move(entries));
  return matcher;
}

std::size_t AddedTokenMatcher::NextCandidate(std::string_view text, std::size_t at) const {
  if (only_first_byte_.has_value()) return std::min(text.find(*only_first_byte_, at), text.size());
  while (at < text.size() && !first_bytes_[static_cast<unsigned char>(text[at])]) ++at;
  return at;
}

AddedTokenMatcher::Match AddedTokenMatcher::Next(std::string_view text, std::size_t at) const {
  if (rules_.empty()) return {0, 0, 0};
  for (at = NextCandidate(text, at); at < text.size(); at = NextCandidate(text, at + 1)) {
    const ByteTrie::Match match = trie_.LongestPrefix(ByteTrie::kRoot, text.substr(at));
    if (match.size > 0) return {at, at + match.size, match.value};
  }
  return {0, 0, 0};
}

bool AddedTokenMatcher::StandsAlone(std::string_view text, const Match& match) {
  const auto is_word = [](Scalar scalar) {
    return (ClassOf(scalar.value) & CharClass::kWord) != 0;
  };
  return !(match.begin > 0 && is_word(ScalarBefore(text, match.begin))) &&
         !(match.end < text.size() && is_word(ScalarAt(text, match.end)));
}

std::size_t WhiteSpaceBefore(std::string_view text, std::size_t at, std::size_t from) {
  while (at > from) {
    const Scalar scalar = ScalarBefore(text, at);
    if (!(ClassOf(scalar.value) & CharClass::kSpace)) break;
    at -= scalar.size;
  }
  return std::max(at, from);
}

std::size_t WhiteSpaceBehind(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const Scalar scalar = ScalarAt(text, at);
    if (!(ClassOf(scalar.value) & CharClass::kSpace)) break;
    at += scalar.size;
  }
  return at;
}

}  // namespace embedserve
