// What the requests have in common: fields of the same meaning, checked in the same words. All
// errors come with details for the caller.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "embedserve/v1/embedding.pb.h"
#include "google/protobuf/repeated_field.h"
#include "model/folder/similarity_function.h"
#include "model/output.h"
#include "server/options.h"
#include "server/serving.h"
#include "server/tokenize_texts.h"

namespace embedserve {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

// NOT_FOUND unless `name` is empty or the served model's.
absl::Status CheckModelName(const Serving& serving, std::string_view name);

// INVALID_ARGUMENT unless `count` is 1 to max_texts. `field` is named in the error.
absl::Status CheckTextCount(const Serving& serving, std::string_view field, std::size_t count);

// INVALID_ARGUMENT if the answer's payload would be larger than max_reply_bytes. `smaller`: what
// the caller may ask for instead, beside fewer texts: "fewer dimensions"; may be empty.
absl::Status CheckReplyBytes(const Serving& serving, std::size_t bytes, std::string_view smaller);

// `field`: of the prompt's name, for errors.
absl::StatusOr<std::string> ResolvePrompt(const Serving& serving, std::string_view field,
                                          const PromptChoice& choice);
absl::StatusOr<int> ResolveDimensions(const Serving& serving, uint32_t dimensions);

// Enumerators of the wire -> ours; INVALID_ARGUMENT for numbers that have no meaning.
absl::StatusOr<OverlongTexts> ResolveTruncation(const Serving& serving, v1::Truncation truncation);
absl::Status CheckPriority(v1::Priority priority);
// UNIMPLEMENTED for types that are not served yet.
absl::StatusOr<OutputType> ResolveOutputType(v1::OutputType type);
absl::StatusOr<SimilarityFunction> ResolveFunction(const Serving& serving,
                                                   v1::SimilarityFunction function);
// And back.
v1::OutputType ToWire(OutputType type);
v1::SimilarityFunction ToWire(SimilarityFunction function);

// Views of `texts`, which must stay.
TextGroup MakeGroup(std::string_view field, const Texts& texts, std::string prompt);

}  // namespace embedserve
