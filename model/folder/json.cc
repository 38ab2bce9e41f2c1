#include "model/folder/json.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/folder/file.h"
#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxShownValue = 80;  // characters of a value in a message

// Builds the tree from nlohmann's parser events: its own builder neither bounds the depth nor sees
// a key that comes twice.
class TreeBuilder : public nlohmann::json_sax<json> {
 public:
  explicit TreeBuilder(json& root) : root_(root) {}

  bool null() override { return Put(nullptr) != nullptr; }
  bool boolean(bool value) override { return Put(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return Put(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return Put(value) != nullptr; }
  // Kept as spelled: readers round in their own ways. JSON text has no use for the binary type.
  bool number_float(number_float_t, const string_t& spelling) override {
    return Put(json::binary({spelling.begin(), spelling.end()})) != nullptr;
  }
  bool string(string_t& value) override { return Put(std::move(value)) != nullptr; }
  bool binary(binary_t&) override { return false; }  // not in text
  bool start_object(std::size_t) override { return Open(json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(json::array()); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    auto [member, is_new] = open_.back()->get_ptr<json::object_t*>()->try_emplace(std::move(name));
    if (!is_new && repeated_keys_++ == 0) first_repeated_key_ = member->first;
    member_ = &member->second;
    return true;
  }

  bool parse_error(std::size_t, const std::string& last_token,
                   const nlohmann::detail::exception& exception) override {
    error_ = exception.what();
    if (const auto end = error_.find("] "); error_[0] == '[' && end != std::string::npos) {
      error_.erase(0, end + 2);
    }
    // The parser stops at the first letter of what no JSON value begins with.
    if (last_token.ends_with('N') || last_token.ends_with('I')) {
      error_ += " (NaN and Infinity are not JSON numbers)";
    }
    return false;
  }

  const std::string& error() const { return error_; }
  int repeated_keys() const { return repeated_keys_; }
  const std::string& first_repeated_key() const { return first_repeated_key_; }

 private:
  template <typename Value>
  json* Put(Value&& value) {
    json* place = &root_;
    if (!open_.empty() && open_.back()->is_array()) {
      place = &open_.back()->get_ptr<json::array_t*>()->emplace_back();
    } else if (!open_.empty()) {
      place = member_;
    }
    *place = std::forward<Value>(value);
    return place;
  }
  bool Open(json container) {
    if (open_.size() == static_cast<std::size_t>(kMaxJsonDepth)) {
      error_ = fmt::format("nested deeper than {} levels", kMaxJsonDepth);
      return false;
    }
    open_.push_back(Put(std::move(container)));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  json& root_;
  // Containers being filled. A parent grows only after its last child is closed: no stale pointer.
  std::vector<json*> open_;
  json* member_ = nullptr;
  std::string error_;
  int repeated_keys_ = 0;
  std::string first_repeated_key_;
};

// Appends the way from `from` to `target` (".key", "[3]"); the depth is bounded by the parser.
bool AppendPath(const json& from, const json* target, std::string& path) {
  if (&from == target) return true;
  const std::size_t length = path.size();
  if (const auto* object = from.get_ptr<const json::object_t*>()) {
    for (const auto& [key, value] : *object) {
      path.append(length == 0 ? "" : ".").append(key);
      if (AppendPath(value, target, path)) return true;
      path.resize(length);
    }
  } else if (const auto* array = from.get_ptr<const json::array_t*>()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      path += fmt::format("[{}]", i);
      if (AppendPath((*array)[i], target, path)) return true;
      path.resize(length);
    }
  }
  return false;
}

std::string_view SpellingOf(const json& value) {
  const json::binary_t& bytes = value.get_binary();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

double NearestOf(const json& value) {
  return std::strtod(std::string(SpellingOf(value)).c_str(), nullptr);
}

// For messages: a copy with numbers as numbers.
json Printable(const json& value) {
  if (value.is_binary()) return NearestOf(value);
  if (!value.is_array()) return value;
  json copy = json::array();
  for (const json& element : value) copy.push_back(Printable(element));
  return copy;
}

}  // namespace

bool JsonValue::IsNull() const { return value_->is_null(); }
bool JsonValue::IsBool() const { return value_->is_boolean(); }
bool JsonValue::IsNumber() const { return value_->is_number() || value_->is_binary(); }
bool JsonValue::IsString() const { return value_->is_string(); }
bool JsonValue::IsArray() const { return value_->is_array(); }
bool JsonValue::IsObject() const { return value_->is_object(); }
std::size_t JsonValue::size() const { return value_->is_structured() ? value_->size() : 0; }

absl::StatusOr<std::string_view> JsonValue::AsString() const {
  if (!IsString()) return Error("expected a string");
  return *value_->get_ptr<const json::string_t*>();
}

absl::StatusOr<bool> JsonValue::AsBool() const {
  if (!IsBool()) return Error("expected true or false");
  return *value_->get_ptr<const json::boolean_t*>();
}

absl::StatusOr<int64_t> JsonValue::AsInt(int64_t min, int64_t max) const {
  const bool fits = value_->is_number_unsigned()
                        ? *value_->get_ptr<const json::number_unsigned_t*>() <=
                              static_cast<uint64_t>(std::numeric_limits<int64_t>::max())
                        : value_->is_number_integer();
  const int64_t value = fits ? value_->get<int64_t>() : 0;
  if (!fits || value < min || value > max) {
    return Error(fmt::format("expected an integer from {} to {}", min, max));
  }
  return value;
}

absl::StatusOr<double> JsonValue::AsNumber() const {
  if (!IsNumber()) return Error("expected a number");
  return value_->is_binary() ? NearestOf(*value_) : value_->get<double>();
}

std::optional<std::string_view> JsonValue::Spelling() const {
  if (!value_->is_binary()) return std::nullopt;
  return SpellingOf(*value_);
}

absl::StatusOr<std::optional<JsonValue>> JsonValue::Find(std::string_view key) const {
  const auto* object = value_->get_ptr<const json::object_t*>();
  if (object == nullptr) return Error("expected an object");
  const auto member = object->find(std::string(key));
  if (member == object->end() || member->second.is_null()) return std::nullopt;
  return JsonValue(file_, &member->second);
}

absl::StatusOr<JsonValue> JsonValue::Get(std::string_view key) const {
  const auto* object = value_->get_ptr<const json::object_t*>();
  if (object == nullptr) return Error("expected an object");
  const auto member = object->find(std::string(key));
  if (member == object->end()) return MissingKey(key);
  return JsonValue(file_, &member->second);
}

absl::StatusOr<std::string_view> JsonValue::String(std::string_view key) const {
  ASSIGN_OR_RETURN(const JsonValue value, Get(key));
  return value.AsString();
}

absl::StatusOr<int64_t> JsonValue::Int(std::string_view key, int64_t min, int64_t max) const {
  ASSIGN_OR_RETURN(const JsonValue value, Get(key));
  return value.AsInt(min, max);
}

absl::StatusOr<bool> JsonValue::Bool(std::string_view key) const {
  ASSIGN_OR_RETURN(const JsonValue value, Get(key));
  return value.AsBool();
}

absl::StatusOr<double> JsonValue::Number(std::string_view key) const {
  ASSIGN_OR_RETURN(const JsonValue value, Get(key));
  return value.AsNumber();
}

absl::StatusOr<std::optional<std::string_view>> JsonValue::OptionalString(
    std::string_view key) const {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, Find(key));
  if (!value) return std::nullopt;
  return value->AsString();
}

absl::StatusOr<int64_t> JsonValue::IntOr(std::string_view key, int64_t otherwise, int64_t min,
                                         int64_t max) const {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, Find(key));
  return value ? value->AsInt(min, max) : otherwise;
}

absl::StatusOr<bool> JsonValue::BoolOr(std::string_view key, bool otherwise) const {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, Find(key));
  return value ? value->AsBool() : otherwise;
}

absl::StatusOr<double> JsonValue::NumberOr(std::string_view key, double otherwise) const {
  ASSIGN_OR_RETURN(const std::optional<JsonValue> value, Find(key));
  return value ? value->AsNumber() : otherwise;
}

absl::Status JsonValue::ForEachMember(
    absl::FunctionRef<absl::Status(std::string_view, JsonValue)> visit) const {
  const auto* object = value_->get_ptr<const json::object_t*>();
  if (object == nullptr) return Error("expected an object");
  for (const auto& [key, value] : *object) {
    RETURN_IF_ERROR(visit(key, JsonValue(file_, &value)));
  }
  return absl::OkStatus();
}

absl::Status JsonValue::ForEachElement(
    absl::FunctionRef<absl::Status(std::size_t, JsonValue)> visit) const {
  const auto* array = value_->get_ptr<const json::array_t*>();
  if (array == nullptr) return Error("expected an array");
  for (std::size_t i = 0; i < array->size(); ++i) {
    RETURN_IF_ERROR(visit(i, JsonValue(file_, &(*array)[i])));
  }
  return absl::OkStatus();
}

absl::Status JsonValue::RefuseOtherKeys(std::initializer_list<std::string_view> known) const {
  return ForEachMember([known](std::string_view key, JsonValue value) {
    if (std::find(known.begin(), known.end(), key) != known.end()) return absl::OkStatus();
    return value.Error(fmt::format("unknown key; known: {}", fmt::join(known, ", ")));
  });
}

absl::Status JsonValue::Error(std::string_view message) const {
  return Refuse("{} is {}; {}", Place(), Text(), message);
}

absl::Status JsonValue::MissingKey(std::string_view key) const {
  std::string place;
  AppendPath(*file_->root_, value_, place);
  return Refuse("{}: {}{}{} is missing, but needed", file_->name_, place, place.empty() ? "" : ".",
                key);
}

const std::string& JsonValue::file() const { return file_->name_; }

std::string JsonValue::Place() const {
  std::string path;
  AppendPath(*file_->root_, value_, path);
  return fmt::format("{}: {}", file_->name_, path.empty() ? "the whole file" : path);
}

std::string JsonValue::Text() const {
  if (IsObject()) return fmt::format("an object of {} members", size());
  if (IsArray() && size() > 8) return fmt::format("an array of {} elements", size());
  std::string text = Printable(*value_).dump(-1, ' ', /*ensure_ascii=*/true);
  if (text.size() > kMaxShownValue) text.replace(kMaxShownValue, std::string::npos, "...");
  return text;
}

absl::StatusOr<std::unique_ptr<const JsonFile>> JsonFile::Read(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return Parse(file.text(), path.string());
}

absl::StatusOr<std::unique_ptr<const JsonFile>> JsonFile::Parse(std::string_view text,
                                                                std::string name) {
  RETURN_IF_ERROR(RefuseLfsPointer(text, name));
  if (text.starts_with("\xEF\xBB\xBF")) {
    return Refuse("{}: begins with a byte order mark; save it as UTF-8 without one", name);
  }
  // nlohmann's lexer takes a NUL for the end of the text.
  if (text.find('\0') != std::string_view::npos) {
    return Refuse("{}: is not valid JSON: it holds a NUL byte", name);
  }
  auto root = std::make_unique<json>();
  TreeBuilder builder(*root);
  if (!json::sax_parse(text, &builder)) {
    return Refuse("{}: is not valid JSON: {}", name, builder.error());
  }
  std::vector<std::string> warnings;
  if (const int repeated = builder.repeated_keys(); repeated > 0) {
    warnings.push_back(fmt::format(
        "{}: key \"{}\" is given twice{}; the last counts", name, builder.first_repeated_key(),
        repeated > 1 ? fmt::format(" (and {} more)", repeated - 1) : ""));
  }
  return std::unique_ptr<const JsonFile>(
      new JsonFile(std::move(name), std::move(root), std::move(warnings)));
}

JsonFile::JsonFile(std::string name, std::unique_ptr<const json> root,
                   std::vector<std::string> warnings)
    : name_(std::move(name)), root_(std::move(root)), warnings_(std::move(warnings)) {}
JsonFile::~JsonFile() = default;

absl::StatusOr<JsonValue> JsonFile::RootObject() const {
  if (!root().IsObject()) return root().Error("expected an object");
  return root();
}

}  // namespace embedserve
