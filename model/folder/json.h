// Strict JSON for the files of a model folder: every getter checks the type, and every error names
// file, key, the value found and what was expected (FAILED_PRECONDITION).
//
//   ASSIGN_OR_RETURN(auto file, JsonFile::Read(directory / "config.json"));
//   ASSIGN_OR_RETURN(int64_t hidden, file->root().Int("hidden_size", 1, 65536));
//
// Refused while parsing: a byte order mark, NaN and Infinity, invalid UTF-8 (lone surrogates too),
// numbers beyond double, nesting deeper than kMaxJsonDepth, anything after the value. Of a key
// given twice the last counts, with a warning (semantics.md 11).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace embedserve {

inline constexpr int kMaxJsonDepth = 256;

class JsonFile;

// A value inside a JsonFile: a cheap view that must not outlive the file.
class JsonValue {
 public:
  bool IsNull() const;
  bool IsBool() const;
  bool IsNumber() const;
  bool IsString() const;
  bool IsArray() const;
  bool IsObject() const;
  std::size_t size() const;  // members or elements; 0 for a scalar

  absl::StatusOr<std::string_view> AsString() const;
  absl::StatusOr<bool> AsBool() const;
  // An integer within [min, max]; 3.0 is not an integer.
  absl::StatusOr<int64_t> AsInt(int64_t min, int64_t max) const;
  absl::StatusOr<double> AsNumber() const;  // integer or not

  // A number with a fraction, an exponent or too many digits for 64 bits, as the file spells it.
  std::optional<std::string_view> Spelling() const;

  // Members of an object. `key` absent is an error for Get, String, Int, Bool and Number. For the
  // others absent and null are the same: nullopt or `otherwise`.
  absl::StatusOr<JsonValue> Get(std::string_view key) const;
  absl::StatusOr<std::optional<JsonValue>> Find(std::string_view key) const;
  absl::StatusOr<std::string_view> String(std::string_view key) const;
  absl::StatusOr<int64_t> Int(std::string_view key, int64_t min, int64_t max) const;
  absl::StatusOr<bool> Bool(std::string_view key) const;
  absl::StatusOr<double> Number(std::string_view key) const;
  absl::StatusOr<std::optional<std::string_view>> OptionalString(std::string_view key) const;
  absl::StatusOr<int64_t> IntOr(std::string_view key, int64_t otherwise, int64_t min,
                                int64_t max) const;
  absl::StatusOr<bool> BoolOr(std::string_view key, bool otherwise) const;
  absl::StatusOr<double> NumberOr(std::string_view key, double otherwise) const;

  // In the order of the keys, not of the file. Stops at the first error and returns it. An error if
  // this is not an object (or not an array).
  absl::Status ForEachMember(
      absl::FunctionRef<absl::Status(std::string_view key, JsonValue value)> visit) const;
  absl::Status ForEachElement(
      absl::FunctionRef<absl::Status(std::size_t index, JsonValue value)> visit) const;

  // An error for the first member that is not in `known`; `known` is listed in the message.
  absl::Status RefuseOtherKeys(std::initializer_list<std::string_view> known) const;

  // FAILED_PRECONDITION "FILE: PLACE is VALUE; MESSAGE". The message says what was expected or what
  // to do: "expected an integer".
  absl::Status Error(std::string_view message) const;

  const std::string& file() const;  // its name, for messages about several members
  std::string Place() const;  // "modules.json: [1].type"; found by a search: for messages only
  std::string Text() const;   // the value as JSON, cut to a line; an object or array is described

 private:
  friend class JsonFile;
  JsonValue(const JsonFile* file, const nlohmann::json* value) : file_(file), value_(value) {}
  absl::Status MissingKey(std::string_view key) const;

  const JsonFile* file_;
  const nlohmann::json* value_;
};

// Owns a parsed file. Immutable.
class JsonFile {
 public:
  static absl::StatusOr<std::unique_ptr<const JsonFile>> Read(const std::filesystem::path& path);
  // The same from memory; `name` stands for the file in messages.
  static absl::StatusOr<std::unique_ptr<const JsonFile>> Parse(std::string_view text,
                                                               std::string name);
  ~JsonFile();
  JsonFile(const JsonFile&) = delete;
  JsonFile& operator=(const JsonFile&) = delete;

  JsonValue root() const { return JsonValue(this, root_.get()); }
  // root(), or an error when it is not an object.
  absl::StatusOr<JsonValue> RootObject() const;
  const std::string& name() const { return name_; }
  const std::vector<std::string>& warnings() const { return warnings_; }  // one line each

 private:
  friend class JsonValue;
  JsonFile(std::string name, std::unique_ptr<const nlohmann::json> root,
           std::vector<std::string> warnings);

  std::string name_;
  std::unique_ptr<const nlohmann::json> root_;
  std::vector<std::string> warnings_;
};

}  // namespace embedserve
