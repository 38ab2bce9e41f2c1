// The values of all options. A command reads those that the table gives it; defaults, checks and
// help stand in the table too (option_table.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/engine/engine.h"
#include "model/folder/similarity_function.h"
#include "model/output.h"
#include "server/options.h"

namespace embedserve {

enum class Command {
  kServe,
  kEncode,
  kSimilarity,
  kEval,
  kVerify,
  kBench,
  kTokenize,
  kInfo,
  kHealth
};
inline constexpr Command kAllCommands[] = {
    Command::kServe, Command::kEncode,   Command::kSimilarity, Command::kEval,  Command::kVerify,
    Command::kBench, Command::kTokenize, Command::kInfo,       Command::kHealth};
std::string_view Name(Command command);     // "serve"
std::string_view Summary(Command command);  // one line for --help

enum class InputFormat { kLines, kJsonl };

// Ordered by meaning, not by size: there is one of it.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct Options {
  Command command = Command::kServe;
  std::string config;
  bool print_config = false;

  // Where the numbers come from: a folder or a server.
  std::string model;
  std::string server;
  std::string tokenizer;
  double timeout = 0;  // seconds for one call to a server

  // The engine. Unset dtype = the device's usual one.
  std::string device;
  std::optional<ComputeType> dtype;
  int threads = 0;
  int max_batch_tokens = 0;
  int max_batch_sequences = 0;
  std::size_t gpu_memory_limit = 0;
  std::chrono::milliseconds hang_timeout{0};

  // Texts in.
  std::string input;
  InputFormat input_format = InputFormat::kLines;
  std::string pairs;
  std::string reference;
  std::vector<std::string> texts;  // positional arguments of `similarity`

  // What is made of them.
  std::optional<std::string> prompt_name, prompt;
  std::optional<bool> normalize;
  int dimensions = 0;
  OutputType output_type = OutputType::kFloat32;
  OverlongTexts truncation = OverlongTexts::kCutAsModel;
  std::vector<SimilarityFunction> functions;
  int max_length = 0;
  bool without_special_tokens = false;

  // Answers out.
  std::string output;
  bool json = false;

  // bench
  int concurrency = 0;
  double rate = 0;
  int texts_per_request = 0;
  double seconds = 0;
  double warm_up = 0;

  // health
  std::string service;
  double wait = 0;

  // serve
  ServerOptions serve;
  bool insecure = false;
};

}  // namespace embedserve
