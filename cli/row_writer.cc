#include "cli/row_writer.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

std::string_view NumpyType(OutputType type) {
  switch (type) {
    case OutputType::kFloat32:
      return "<f4";
    case OutputType::kFloat16:
      return "<f2";
    case OutputType::kBFloat16:
      return "";
    case OutputType::kInt8:
    case OutputType::kBinary:
      return "|i1";
    case OutputType::kUint8:
    case OutputType::kUbinary:
      return "|u1";
  }
  return "";
}

std::string PartialPath(const std::string& path) { return path + ".partial"; }

absl::Status WriteError(const std::string& path) {
  return absl::UnavailableError(fmt::format("{}: cannot be written: {}", path,
                                            errno == 0 ? "no reason given" : std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::string> NpyHeader(int64_t rows, int64_t columns, OutputType type) {
  const std::string_view numpy_type = NumpyType(type);
  if (numpy_type.empty()) {
    return absl::InvalidArgumentError(fmt::format(
        "numpy has no {}: write float32 or float16 to a .npy file, or JSON to standard output",
        Name(type)));
  }
  constexpr std::size_t kPrefix = 10;  // magic, version, length of what follows
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}, {}), }}",
                                 numpy_type, rows, columns);
  text.append(63 - (kPrefix + text.size()) % 64, ' ').append("\n");
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

absl::StatusOr<NpyWriter> NpyWriter::Open(std::string path, int64_t rows, int64_t columns,
                                          OutputType type) {
  ASSIGN_OR_RETURN(const std::string header, NpyHeader(rows, columns, type));
  errno = 0;
  std::ofstream file(PartialPath(path), std::ios::binary | std::ios::trunc);
  if (!file.write(header.data(), static_cast<std::streamsize>(header.size()))) {
    return WriteError(PartialPath(path));
  }
  return NpyWriter(std::move(path), std::move(file));
}

NpyWriter::~NpyWriter() {
  if (!file_.is_open()) return;
  file_.close();
  std::error_code ignored;
  std::filesystem::remove(PartialPath(path_), ignored);
}

absl::Status NpyWriter::Write(const Rows& rows) {
  errno = 0;
  if (file_.write(rows.bytes.data(), static_cast<std::streamsize>(rows.bytes.size()))) {
    return absl::OkStatus();
  }
  return WriteError(PartialPath(path_));
}

absl::Status NpyWriter::Close() {
  errno = 0;
  if (!file_.flush()) return WriteError(PartialPath(path_));
  file_.close();
  std::error_code error;
  std::filesystem::rename(PartialPath(path_), path_, error);
  if (error) {
    return absl::UnavailableError(fmt::format("{}: cannot be written: {}", path_, error.message()));
  }
  return absl::OkStatus();
}

}  // namespace embedserve
