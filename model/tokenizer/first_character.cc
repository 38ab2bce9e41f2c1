#include "model/tokenizer/first_character.h"

#include <algorithm>
#include <vector>

#include "model/tokenizer/added_tokens.h"
#include "model/tokenizer/utf8.h"

namespace embedserve {
namespace {

// A character that a charsmap wrote. `change`: 1 = beside the one before it, 0 = in place of a
// character of the text, -n = and n further ones vanish.
struct Written {
  std::size_t bytes;
  int change;
};

// As the library notes down that `value` stands for `characters` characters: what vanishes belongs
// to the character written last, whatever that was, and is forgotten where there is none.
void Note(std::string_view value, int characters, std::vector<Written>& written) {
  const std::size_t before = written.size();
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t bytes = ScalarAt(value, at).size;
    written.push_back({bytes, 0});
    at += bytes;
  }
  const int more = static_cast<int>(written.size() - before) - characters;
  for (int i = 0; i < more; ++i) {
    written[written.size() - 1 - static_cast<std::size_t>(i)].change = 1;
  }
  if (more < 0 && !written.empty()) written.back().change += more;
}

void NoteCluster(const Charsmap& map, std::string_view cluster, std::vector<Written>& written) {
  constexpr std::size_t kWholeCluster = 6;  // as in Charsmap: fewer bytes are looked up whole
  if (cluster.size() < kWholeCluster) {
    if (const auto whole = map.Find(cluster)) {
      return Note(*whole, static_cast<int>(CountScalars(cluster)), written);
    }
  }
  for (std::size_t at = 0; at < cluster.size();) {
    const std::string_view scalar = cluster.substr(at, ScalarAt(cluster, at).size);
    Note(map.Find(scalar).value_or(scalar), 1, written);
    at += scalar.size();
  }
}

}  // namespace

std::size_t FirstCharacterAfter(const StripEnds& step, std::string_view text, std::size_t origin) {
  const std::size_t begin = step.left ? WhiteSpaceBehind(text, 0) : 0;
  const std::size_t end = step.right ? WhiteSpaceBefore(text, text.size(), begin) : text.size();
  return std::clamp(origin, begin, end) - begin;
}

// A replacement stems from what the last byte of the occurrence stems from.
std::size_t FirstCharacterAfter(const ReplaceText& step, std::string_view text,
                                std::size_t origin) {
  std::size_t bytes = 0;
  std::size_t done = 0;
  for (std::size_t found = text.find(step.pattern); found < origin;
       found = text.find(step.pattern, done)) {
    bytes += found - done;
    done = found + step.pattern.size();
    while (step.extends && done < text.size() && text[done] == step.pattern.back()) ++done;
    if (done <= origin) bytes += step.content.size();
  }
  return done < origin ? bytes + origin - done : bytes;
}

std::size_t FirstCharacterAfter(const PrependText& step, std::string_view /*text*/,
                                std::size_t origin) {
  return origin == 0 ? 0 : origin + step.text.size();
}

std::size_t FirstCharacterAfter(const ApplyCharsmap& step, std::string_view text,
                                std::size_t origin) {
  if (origin == 0) return 0;
  // Enough that characters of the text beyond `origin` are reached, and that nothing behind them
  // can change what was noted down: each one without change 1 takes one byte at least.
  std::vector<Written> written;
  std::size_t taken = 0;
  for (std::size_t at = 0; at < text.size() && taken < origin + 2;) {
    const std::size_t end = ClusterEnd(text, at);
    const std::size_t before = written.size();
    NoteCluster(*step.map, text.substr(at, end - at), written);
    at = end;
    if (written.size() > before) {
      taken = static_cast<std::size_t>(std::count_if(
          written.begin(), written.end() - 1, [](const Written& one) { return one.change <= 0; }));
    }
  }
  std::size_t bytes = 0;
  std::size_t at = 0;  // in the text: where the next character that is replaced stands
  for (const Written& one : written) {
    const bool first = one.change > 0 ? at < 1 || at - 1 < origin : at < origin;
    if (!first) break;
    bytes += one.bytes;
    for (int i = one.change > 0 ? 1 : one.change; i <= 0 && at < text.size(); ++i) {
      at += ScalarAt(text, at).size;
    }
  }
  return bytes;
}

}  // namespace embedserve
