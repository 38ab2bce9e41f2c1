// Added tokens: strings that are cut out of a text before the model sees it (tokenizers.md 2.5).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "model/tokenizer/byte_trie.h"
#include "model/tokenizer/normalizer.h"
#include "model/tokenizer/string_map.h"
#include "model/tokenizer/vocabulary.h"

namespace embedserve {

struct AddedToken {
  std::string content;
  bool single_word = false;  // no match beside a word character
  bool lstrip = false;       // swallows the white space before it
  bool rstrip = false;       // ... and behind it
  bool normalized = true;    // looked for, in its normal form, in the normalised text
  bool special = false;

  bool operator==(const AddedToken&) const = default;
};

// The tokens by id, numbered as the library numbers them: content that the vocabulary has keeps
// that id, the rest follow the vocabulary's number of entries.
class AddedVocabulary {
 public:
  // One call of the library's add_tokens. Of tokens with the same content the last one's flags
  // count.
  void Add(const Vocabulary& vocabulary, const std::vector<AddedToken>& tokens);

  const std::map<int32_t, AddedToken>& tokens() const { return tokens_; }
  bool Contains(std::string_view content) const { return ids_.contains(content); }
  // Special in any of its forms: a later one that is not takes nothing back.
  bool IsSpecial(std::string_view content) const { return special_.contains(content); }
  // Of an added token or else of the vocabulary.
  std::optional<int32_t> Find(const Vocabulary& vocabulary, std::string_view content) const;

 private:
  StringMap<int32_t> ids_;
  std::set<std::string, std::less<>> special_;
  std::map<int32_t, AddedToken> tokens_;
};

// What one pass looks for. Immutable.
class AddedTokenMatcher {
 public:
  struct Pattern {
    std::string text;
    int32_t id;
    AddedToken token;
    bool special;  // left in the text where special tokens are plain text
  };
  // Errors: an empty pattern, two equal ones, or flags with which the library fails on some text.
  static absl::StatusOr<AddedTokenMatcher> Build(const std::vector<Pattern>& patterns);

  // Cuts `text` at the leftmost-longest matches: calls piece(substring, id), id < 0 for text
  // between them, never with an empty substring, until it returns false; returns false then.
  // `specials_are_text`: special tokens are found, but left in the text.
  template <typename Piece>
  bool Split(std::string_view text, bool specials_are_text, Piece&& piece) const;

 private:
  struct Rule {
    int32_t id;
    bool special;
    bool single_word;
    bool lstrip;
    bool rstrip;
  };
  struct Match {
    std::size_t begin;
    std::size_t end;
    int32_t rule;
  };
  // Where a byte of first_bytes_ stands at or after `at`, or the text's size.
  std::size_t NextCandidate(std::string_view text, std::size_t at) const;
  // The first match at or after `at`; end = 0 if there is none.
  Match Next(std::string_view text, std::size_t at) const;
  static bool StandsAlone(std::string_view text, const Match& match);

  ByteTrie trie_;  // text -> index into rules_
  std::vector<Rule> rules_;
  std::array<bool, 256> first_bytes_ = {};  // of the patterns
  std::optional<char> only_first_byte_;     // if all patterns have the same
};

// Begin of the white space that ends at `at`, not before `from`; end of that which begins at `at`.
std::size_t WhiteSpaceBefore(std::string_view text, std::size_t at, std::size_t from);
std::size_t WhiteSpaceBehind(std::string_view text, std::size_t at);

template <typename Piece>
bool AddedTokenMatcher::Split(std::string_view text, bool specials_are_text, Piece&& piece) const {
  // Where text not yet given to piece begins. A token of white space found within what an rstrip
  // swallowed moves it back: the library then sees that white space again.
  std::size_t done = 0;
  std::size_t blank_end = 0;  // end of the white space that an rstrip saw last
  for (Match match = Next(text, 0); match.end > 0; match = Next(text, match.end)) {
    const Rule& rule = rules_[static_cast<std::size_t>(match.rule)];
    if (rule.special && specials_are_text) continue;
    if (rule.single_word && !StandsAlone(text, match)) continue;
    std::size_t begin = match.begin;
    std::size_t end = match.end;
    if (rule.lstrip) begin = WhiteSpaceBefore(text, begin, done);
    if (rule.rstrip) {
      // Inside white space seen before, its end is known: tokens of white space stay linear.
      if (end >= blank_end) blank_end = WhiteSpaceBehind(text, end);
      end = blank_end;
    }
    if (done < begin && !piece(text.substr(done, begin - done), -1)) return false;
    if (!piece(text.substr(begin, end - begin), rule.id)) return false;
    done = end;
  }
  return done == text.size() || piece(text.substr(done), -1);
}

}  // namespace embedserve
