// The words that a tokenizer knows from load on: those of its vocabulary, each with the ids that
// the model itself computes for it. (A token's own id would be wrong where no merge leads to it.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/vocabulary.h"
#include "model/tokenizer/word_table.h"

namespace embedserve {

// encode(token, ids) appends the ids and returns the word that they stand for, or returns "" if the
// token is no word. Where two words want one place, that with the smaller id has it: vocabularies
// begin with what is frequent.
WordTable SeedsOf(
    const Vocabulary& vocabulary,
    const std::function<std::string(std::string_view token, std::vector<int32_t>& ids)>& encode);

}  // namespace embedserve
