// Tokenizer files of the folders that ModelFolderBuilder writes: tokenizer.json with its
// companions, and the older vocabulary files with the same content.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace embedserve {

// Both add their files and return the vocabulary's size.
int AddWordPiece(std::map<std::string, nlohmann::json>& json,
                 std::map<std::string, std::string>& text, int model_max_length);
int AddByteLevelBpe(std::map<std::string, nlohmann::json>& json,
                    std::map<std::string, std::string>& text, int model_max_length);

}  // namespace embedserve
