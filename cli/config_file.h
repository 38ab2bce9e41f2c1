// The file of --config, TOML or INI as CLI11 reads it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cli/options.h"

namespace embedserve {

class ConfigFile {
 public:
  // Every key must be an option, and in a section [COMMAND] an option of that command. UsageError
  // naming file, key and what is allowed.
  static absl::StatusOr<ConfigFile> Read(const std::string& path);

  struct Entry {
    std::string value;
    std::string place;  // "embedserve.toml: [serve] listen"
  };
  // The value for `command`, from its section or from above all sections. Null if there is none.
  const Entry* Find(Command command, std::string_view option) const;

 private:
  std::map<std::string, Entry> entries_;  // "listen", "serve.listen"
};

}  // namespace embedserve
