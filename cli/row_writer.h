// Where `encode` puts embeddings: a .npy file or JSON lines on standard output.
#pragma once

#include <cstdint>
#include <fstream>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/rows.h"

namespace embedserve {

// Header of a version 1.0 .npy file of shape (rows, columns), C order; a multiple of 64 bytes.
// INVALID_ARGUMENT for a type that numpy does not have.
absl::StatusOr<std::string> NpyHeader(int64_t rows, int64_t columns, OutputType type);

// Writes beside the file and renames at the end: under its name the file is whole or not there.
class NpyWriter {
 public:
  static absl::StatusOr<NpyWriter> Open(std::string path, int64_t rows, int64_t columns,
                                        OutputType type);
  ~NpyWriter();
  NpyWriter(NpyWriter&&) = default;
  NpyWriter& operator=(NpyWriter&&) = default;

  absl::Status Write(const Rows& rows);
  absl::Status Close();  // every row must have been written

 private:
  NpyWriter(std::string path, std::ofstream file)
      : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;
  std::ofstream file_;
};

}  // namespace embedserve
