#include "model/tokenizer/normalizer_chain.h"

#include <type_traits>

#include "model/tokenizer/added_tokens.h"
#include "model/tokenizer/first_character.h"

namespace embedserve {
namespace {

// Each step's result; those that can lengthen a text stop once it is longer than `limit` bytes.
std::string_view Run(const Normalizer& normalizer, std::string_view text, std::size_t limit,
                     NormalizerChain::Buffers::Link& buffers) {
  return normalizer.Apply(text, buffers.normalizer, limit);
}

std::string_view Run(const ApplyCharsmap& step, std::string_view text, std::size_t limit,
                     NormalizerChain::Buffers::Link& buffers) {
  return step.plain_runs ? step.map->Apply(text, buffers.text, limit)
                         : step.map->ApplyPlainly(text, buffers.text, limit);
}

std::string_view Run(const StripEnds& step, std::string_view text, std::size_t /*limit*/,
                     NormalizerChain::Buffers::Link&) {
  if (step.left) text.remove_prefix(WhiteSpaceBehind(text, 0));
  if (step.right) text = text.substr(0, WhiteSpaceBefore(text, text.size(), 0));
  return text;
}

std::string_view Run(const ReplaceText& step, std::string_view text, std::size_t limit,
                     NormalizerChain::Buffers::Link& buffers) {
  std::size_t found = text.find(step.pattern);
  if (found == std::string_view::npos) return text;
  std::string& out = buffers.text;
  out.clear();
  std::size_t done = 0;
  while (found != std::string_view::npos && out.size() <= limit) {
    out.append(text.substr(done, found - done)).append(step.content);
    done = found + step.pattern.size();
    while (step.extends && done < text.size() && text[done] == step.pattern.back()) ++done;
    found = text.find(step.pattern, done);
  }
  return out.append(text.substr(done));
}

std::string_view Run(const PrependText& step, std::string_view text, std::size_t /*limit*/,
                     NormalizerChain::Buffers::Link& buffers) {
  if (text.empty()) return text;
  return buffers.text.assign(step.text).append(text);
}

}  // namespace

NormalizerChain::NormalizerChain(const std::vector<TextStep>& steps, bool plain_runs,
                                 std::size_t max_bytes)
    : max_bytes_(max_bytes) {
  std::vector<NormalizerStep> characters;
  const auto flush = [&] {
    if (!characters.empty()) links_.emplace_back(Normalizer(characters, plain_runs));
    characters.clear();
  };
  for (const TextStep& step : steps) {
    if (const auto* over_characters = std::get_if<NormalizerStep>(&step)) {
      characters.push_back(*over_characters);
      continue;
    }
    flush();
    std::visit(
        [&](const auto& other) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(other)>, NormalizerStep>) {
            links_.emplace_back(other);
          }
        },
        step);
    if (auto* charsmap = std::get_if<ApplyCharsmap>(&links_.back())) {
      charsmap->plain_runs = plain_runs;
    }
  }
  flush();
}

std::optional<std::string_view> NormalizerChain::Apply(std::string_view text, Buffers& buffers,
                                                       std::size_t* origin) const {
  // A link's output may be what the one before it wrote: each writes to a buffer of its own.
  if (buffers.links.size() < links_.size()) buffers.links.resize(links_.size());
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (origin != nullptr) {
      *origin = std::visit(
          [&](const auto& link) -> std::size_t {
            if constexpr (std::is_same_v<std::decay_t<decltype(link)>, Normalizer>) {
              return 0;
            } else {
              return FirstCharacterAfter(link, text, *origin);
            }
          },
          links_[i]);
    }
    text = std::visit(
        [&](const auto& link) { return Run(link, text, max_bytes_, buffers.links[i]); }, links_[i]);
    if (text.size() > max_bytes_) return std::nullopt;
  }
  return text;
}

}  // namespace embedserve
