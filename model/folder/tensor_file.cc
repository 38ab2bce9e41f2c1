#include "model/folder/tensor_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "model/folder/file.h"
#include "model/folder/json.h"
#include "model/folder/refuse.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr int64_t kMaxDimension = int64_t{1} << 48;

struct ElementType {
  std::string_view name;
  int bits;
  std::optional<TensorType> usable;
};
constexpr ElementType kElementTypes[] = {
    {"F32", 32, TensorType::kF32}, {"F16", 16, TensorType::kF16}, {"BF16", 16, TensorType::kBF16},
    {"BOOL", 8, std::nullopt},     {"U8", 8, std::nullopt},       {"I8", 8, std::nullopt},
    {"F8_E5M2", 8, std::nullopt},  {"F8_E4M3", 8, std::nullopt},  {"F8_E8M0", 8, std::nullopt},
    {"F4", 4, std::nullopt},       {"F6_E2M3", 6, std::nullopt},  {"F6_E3M2", 6, std::nullopt},
    {"I16", 16, std::nullopt},     {"U16", 16, std::nullopt},     {"I32", 32, std::nullopt},
    {"U32", 32, std::nullopt},     {"F64", 64, std::nullopt},     {"I64", 64, std::nullopt},
    {"U64", 64, std::nullopt},     {"C64", 64, std::nullopt},
};

// A tensor as the header gives it.
struct Entry {
  std::string name;
  const ElementType* type = nullptr;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  // within the data
  uint64_t end = 0;
};

absl::StatusOr<const ElementType*> ReadElementType(JsonValue value) {
  ASSIGN_OR_RETURN(const std::string_view name, value.AsString());
  for (const ElementType& type : kElementTypes) {
    if (type.name == name) return &type;
  }
  return value.Error("not a dtype of safetensors");
}

absl::StatusOr<std::vector<int64_t>> ReadShape(JsonValue value) {
  std::vector<int64_t> shape;
  RETURN_IF_ERROR(value.ForEachElement([&shape](std::size_t, JsonValue dimension) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t length, dimension.AsInt(0, kMaxDimension));
    shape.push_back(length);
    return absl::OkStatus();
  }));
  return shape;
}

// The tensor's size in bytes by shape and type; nullopt if it overflows or ends inside a byte.
std::optional<uint64_t> SizeByShape(const Entry& entry) {
  uint64_t bits = static_cast<uint64_t>(entry.type->bits);
  for (const int64_t length : entry.shape) {
    if (__builtin_mul_overflow(bits, static_cast<uint64_t>(length), &bits)) return std::nullopt;
  }
  if (bits % 8 != 0) return std::nullopt;
  return bits / 8;
}

absl::StatusOr<Entry> ReadEntry(std::string_view name, JsonValue value, uint64_t data_bytes) {
  RETURN_IF_ERROR(value.RefuseOtherKeys({"dtype", "shape", "data_offsets"}));
  Entry entry;
  entry.name = name;
  ASSIGN_OR_RETURN(const JsonValue dtype, value.Get("dtype"));
  ASSIGN_OR_RETURN(entry.type, ReadElementType(dtype));
  ASSIGN_OR_RETURN(const JsonValue shape, value.Get("shape"));
  ASSIGN_OR_RETURN(entry.shape, ReadShape(shape));
  ASSIGN_OR_RETURN(const JsonValue offsets, value.Get("data_offsets"));
  if (!offsets.IsArray() || offsets.size() != 2) return offsets.Error("expected [begin, end]");
  RETURN_IF_ERROR(offsets.ForEachElement([&](std::size_t i, JsonValue offset) -> absl::Status {
    const auto min = i == 0 ? int64_t{0} : static_cast<int64_t>(entry.begin);
    ASSIGN_OR_RETURN(const int64_t value, offset.AsInt(min, static_cast<int64_t>(data_bytes)));
    (i == 0 ? entry.begin : entry.end) = static_cast<uint64_t>(value);
    return absl::OkStatus();
  }));
  const std::optional<uint64_t> size = SizeByShape(entry);
  if (!size) return shape.Error("the size overflows or is not a whole number of bytes");
  if (*size != entry.end - entry.begin) {
    return shape.Error(fmt::format("as {} this takes {} bytes, but data_offsets span {}",
                                   entry.type->name, *size, entry.end - entry.begin));
  }
  return entry;
}

absl::Status CheckMetadata(JsonValue value) {
  return value.ForEachMember(
      [](std::string_view, JsonValue member) { return member.AsString().status(); });
}

// The tensors must cover the data exactly: no overlap, no gap, nothing behind the last.
absl::Status CheckCover(std::string_view file, const std::vector<Entry>& entries,
                        uint64_t data_bytes) {
  std::vector<const Entry*> by_offset;
  by_offset.reserve(entries.size());
  for (const Entry& entry : entries) by_offset.push_back(&entry);
  std::sort(by_offset.begin(), by_offset.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  uint64_t end = 0;
  std::string_view last = "the header";
  for (const Entry* entry : by_offset) {
    if (entry->begin != end) {
      return Refuse("{}: {} begins at byte {} of the data, but {} ends at {}: {}", file,
                    entry->name, entry->begin, last, end,
                    entry->begin < end ? "they overlap" : "a gap that no tensor covers");
    }
    end = entry->end;
    last = entry->name;
  }
  if (end != data_bytes) {
    return Refuse("{}: {} bytes behind the last tensor; expected none", file, data_bytes - end);
  }
  return absl::OkStatus();
}

}  // namespace

struct TensorFile::Contents {
  std::filesystem::path path;
  std::optional<MappedFile> file;
  std::span<const std::byte> bytes;
  std::vector<std::string> names;
  // Every tensor; the type of those that are not usable stays as the header spells it.
  struct Tensor {
    std::string_view type;
    std::optional<TensorView> view;
  };
  std::map<std::string, Tensor, std::less<>> tensors;
};

TensorFile::TensorFile(std::shared_ptr<const Contents> contents) : contents_(std::move(contents)) {}

absl::StatusOr<TensorFile> TensorFile::Open(const std::filesystem::path& path) {
  auto contents = std::make_shared<Contents>();
  contents->path = path;
  ASSIGN_OR_RETURN(contents->file, MappedFile::Open(path));
  contents->bytes = contents->file->bytes();
  return Parse(std::move(contents));
}

absl::StatusOr<TensorFile> TensorFile::FromBytes(std::span<const std::byte> bytes,
                                                 std::string name) {
  auto contents = std::make_shared<Contents>();
  contents->path = std::move(name);
  contents->bytes = bytes;
  return Parse(std::move(contents));
}

absl::StatusOr<TensorFile> TensorFile::Parse(std::shared_ptr<Contents> contents) {
  const std::span<const std::byte> bytes = contents->bytes;
  const std::string name = contents->path.string();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  RETURN_IF_ERROR(RefuseLfsPointer(text, name));
  if (bytes.size() < kLengthBytes) {
    return Refuse("{}: has {} bytes, too few for a safetensors header", name, bytes.size());
  }
  uint64_t header_bytes;
  std::memcpy(&header_bytes, bytes.data(), kLengthBytes);
  const uint64_t rest = bytes.size() - kLengthBytes;
  if (header_bytes > rest || header_bytes > kMaxHeaderBytes) {
    return Refuse(
        "{}: the header's length is {}, but only {} bytes follow and {} are allowed: the file is "
        "cut "
        "short or is not a safetensors file; download it again",
        name, header_bytes, rest, kMaxHeaderBytes);
  }
  const std::string_view header = text.substr(kLengthBytes, header_bytes);
  if (!header.starts_with('{')) return Refuse("{}: the header does not begin with '{{'", name);
  ASSIGN_OR_RETURN(const auto json, JsonFile::Parse(header, name + " (header)"));
  // A name given twice, or a member of a tensor given twice: which one counts is not defined.
  for (const std::string& warning : json->warnings()) return absl::FailedPreconditionError(warning);
  ASSIGN_OR_RETURN(const JsonValue root, json->RootObject());

  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + header_bytes);
  std::vector<Entry> entries;
  RETURN_IF_ERROR(root.ForEachMember([&](std::string_view key, JsonValue value) -> absl::Status {
    if (key == "__metadata__") return CheckMetadata(value);
    ASSIGN_OR_RETURN(Entry entry, ReadEntry(key, value, data.size()));
    entries.push_back(std::move(entry));
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(CheckCover(name, entries, data.size()));

  for (Entry& entry : entries) {
    contents->names.push_back(entry.name);
    auto& [key, tensor] = *contents->tensors.try_emplace(std::move(entry.name)).first;
    tensor.type = entry.type->name;
    if (entry.type->usable) {
      tensor.view = TensorView{key, *entry.type->usable, std::move(entry.shape),
                               data.subspan(entry.begin, entry.end - entry.begin)};
    }
  }
  return TensorFile(std::move(contents));
}

const std::vector<std::string>& TensorFile::names() const { return contents_->names; }

absl::StatusOr<const TensorView*> TensorFile::Find(std::string_view name) const {
  const auto found = contents_->tensors.find(name);
  if (found == contents_->tensors.end()) return nullptr;
  if (!found->second.view) {
    return Refuse("{}: {} is of type {}; expected F32, F16 or BF16", path().string(), name,
                  found->second.type);
  }
  return &*found->second.view;
}

const std::filesystem::path& TensorFile::path() const { return contents_->path; }
std::span<const std::byte> TensorFile::bytes() const { return contents_->bytes; }

void TensorFile::DropPages() const {
  if (contents_->file) contents_->file->DropPages();
}

}  // namespace embedserve
