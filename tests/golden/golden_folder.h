// Folders that a golden file describes, written for a test.
#pragma once

#include <filesystem>
#include <string>

#include "nlohmann/json.hpp"

namespace embedserve {

// A new, empty directory, removed with everything in it at the end of the object's life.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Key order is part of what a golden says: of added tokens, say.
nlohmann::ordered_json ReadOrderedJson(const std::filesystem::path& path);

void WriteFile(const std::filesystem::path& path, const std::string& content);

// `files`: path below `folder` -> {"text"}, {"json"}, {"copy"} of a file under tests/golden,
// perhaps with a JSON merge {"patch"}, or null: the file is removed. As folders.py writes them.
void WriteFiles(const nlohmann::ordered_json& files, const std::filesystem::path& folder);

}  // namespace embedserve
