#include "cli/options.h"

namespace embedserve {

std::string_view Name(Command command) {
  switch (command) {
    case Command::kServe:
      return "serve";
    case Command::kEncode:
      return "encode";
    case Command::kSimilarity:
      return "similarity";
    case Command::kEval:
      return "eval";
    case Command::kVerify:
      return "verify";
    case Command::kBench:
      return "bench";
    case Command::kTokenize:
      return "tokenize";
    case Command::kInfo:
      return "info";
    case Command::kHealth:
      return "health";
  }
  return "";
}

std::string_view Summary(Command command) {
  switch (command) {
    case Command::kServe:
      return "Serve a model over gRPC until SIGTERM or SIGINT";
    case Command::kEncode:
      return "Texts in, embeddings out";
    case Command::kSimilarity:
      return "Score pairs of texts";
    case Command::kEval:
      return "Evaluate a model on labelled pairs, as sentence-transformers does";
    case Command::kVerify:
      return "Compare with embeddings that sentence-transformers made";
    case Command::kBench:
      return "Measure throughput and latency";
    case Command::kTokenize:
      return "Texts in, token ids out";
    case Command::kInfo:
      return "What a model folder holds";
    case Command::kHealth:
      return "Ask a server whether it serves; exit code 0 if so";
  }
  return "";
}

}  // namespace embedserve
