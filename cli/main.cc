#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "fmt/format.h"
#include "model/devices.h"
#include "model/engine/openmp_spin.h"

namespace embedserve {
namespace {

absl::Status Run(const Options& options) {
  switch (options.command) {
    case Command::kServe:
      return RunServe(options);
    case Command::kEncode:
      return RunEncode(options);
    case Command::kSimilarity:
      return RunSimilarity(options);
    case Command::kEval:
      return RunEval(options);
    case Command::kVerify:
      return RunVerify(options);
    case Command::kBench:
      return RunBench(options);
    case Command::kTokenize:
      return RunTokenize(options);
    case Command::kInfo:
      return RunInfo(options);
    case Command::kHealth:
      return RunHealth(options);
  }
  return absl::OkStatus();
}

absl::Status Main(const std::vector<std::string>& arguments) {
  const absl::StatusOr<CommandLine> line = ReadCommandLine(arguments, ProcessEnvironment());
  if (!line.ok()) return line.status();
  for (const std::string& warning : line->warnings) {
    fmt::print(stderr, "embedserve: warning: {}\n", warning);
  }
  return line->print.empty() ? Run(line->options) : Print(line->print);
}

}  // namespace
}  // namespace embedserve

int main(int argc, char** argv) {
  embedserve::LimitOpenMpSpinning(argv);
  const absl::Status status = embedserve::Main({argv + 1, argv + argc});
  if (!status.ok()) fmt::print(stderr, "embedserve: {}\n", std::string(status.message()));
  const int code = static_cast<int>(embedserve::ExitCodeOf(status));
  if (embedserve::DeviceHangs()) std::_Exit(code);
  return code;
}
