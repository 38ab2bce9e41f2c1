// The small tokenizers of testdata/, and what the goldens say about files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/tokenizer.h"

namespace embedserve {

// A file of testdata/. Aborts if it cannot be read: the checkout is broken.
nlohmann::json ReadTestdata(std::string_view name);

// A file's content as the golden files spell it: JSON, text, {"$file"} of testdata/, or {"$base",
// "$as", "$patch"} over one of the small tokenizers (make_folder_goldens.py).
std::string ExpandFile(const nlohmann::json& value);

// A field of a protobuf message; field numbers below 16.
std::string ProtoVarint(uint32_t field, uint64_t value);
std::string ProtoBytes(uint32_t field, std::string_view value);
std::string ProtoFloat(uint32_t field, float value);

// testdata/NAME.json with an RFC 7396 patch, loaded as it stands.
absl::StatusOr<std::unique_ptr<const Tokenizer>> SmallTokenizer(std::string_view name,
                                                                const nlohmann::json& patch = {},
                                                                const FastPaths& fast = {});

// tokenizer.json of one published vocabulary a family, in ../shared/data; none where that is
// absent.
std::vector<std::filesystem::path> PublishedTokenizers();

// The ids of one text.
std::vector<int32_t> Ids(const Tokenizer& tokenizer, std::string_view text,
                         const TokenizeOptions& options = {});

}  // namespace embedserve
