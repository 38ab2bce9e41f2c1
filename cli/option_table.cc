#include "cli/option_table.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "model/devices.h"

namespace embedserve {
namespace {

using enum Command;

constexpr CommandSet kAll = {kServe, kEncode,   kSimilarity, kEval,  kVerify,
                             kBench, kTokenize, kInfo,       kHealth};
constexpr CommandSet kOnFolder = {kServe,  kEncode, kSimilarity, kEval,
                                  kVerify, kBench,  kTokenize,   kInfo};
constexpr CommandSet kOnServer = {kEncode, kSimilarity, kEval, kBench};
constexpr CommandSet kWithType = {kServe, kEncode, kSimilarity, kEval, kVerify, kBench, kInfo};
constexpr CommandSet kWithEngine = {kServe, kEncode, kSimilarity, kEval, kVerify, kBench};
constexpr CommandSet kEmbedding = {kEncode, kSimilarity, kEval};

OptionValue ComputeTypes() {
  return Choice<std::optional<ComputeType>>(&Options::dtype, {{"auto", std::nullopt},
                                                              {"fp32", ComputeType::kFp32},
                                                              {"fp16", ComputeType::kFp16},
                                                              {"bf16", ComputeType::kBf16}});
}

OptionValue Devices() {
  const auto read = [](std::string_view text, Options& options) {
    if (!IsDeviceList(text)) return false;
    options.device = text;
    return true;
  };
  return {read, "auto, cpu, cuda, or GPUs by number, each once, such as cuda:0 or cuda:0,1",
          "DEVICE"};
}

OptionValue InputFormats() {
  return Choice<InputFormat>(&Options::input_format,
                             {{"lines", InputFormat::kLines}, {"jsonl", InputFormat::kJsonl}});
}

OptionValue OutputTypes() {
  std::vector<std::pair<std::string_view, OutputType>> choices;
  for (const OutputType type :
       {OutputType::kFloat32, OutputType::kFloat16, OutputType::kBFloat16, OutputType::kInt8,
        OutputType::kUint8, OutputType::kBinary, OutputType::kUbinary}) {
    choices.emplace_back(Name(type), type);
  }
  return Choice<OutputType>(&Options::output_type, std::move(choices));
}

template <typename Field>
OptionValue Truncations(Field field) {
  return Choice<OverlongTexts>(field, {{"model", OverlongTexts::kCutAsModel},
                                       {"error", OverlongTexts::kRefuse},
                                       {"end", OverlongTexts::kCutEnd},
                                       {"start", OverlongTexts::kCutStart}});
}

// A comma-separated list of functions, or all of them.
OptionValue Functions() {
  std::string allowed = "all";
  for (const SimilarityFunction function : kAllSimilarityFunctions) {
    allowed.append(", ").append(Name(function));
  }
  const auto read = [](std::string_view text, Options& options) {
    std::vector<SimilarityFunction> functions;
    if (text == "all") {
      options.functions.assign(std::begin(kAllSimilarityFunctions),
                               std::end(kAllSimilarityFunctions));
      return true;
    }
    while (true) {
      const std::size_t comma = std::min(text.find(','), text.size());
      const auto function = SimilarityFunctionFromName(text.substr(0, comma));
      if (!function.has_value()) return false;
      if (std::find(functions.begin(), functions.end(), *function) == functions.end()) {
        functions.push_back(*function);
      }
      if (comma == text.size()) break;
      text.remove_prefix(comma + 1);
    }
    options.functions = std::move(functions);
    return true;
  };
  return {read, allowed + "; several with commas between", "LIST"};
}

std::vector<OptionRow> SourceRows() {
  return {
      {"model", "", kOnFolder, Text(&Options::model, "DIR"),
       "Folder of a sentence-transformers model"},
      {"server",
       "",
       {kEncode, kSimilarity, kEval, kBench, kHealth},
       Text(&Options::server, "ADDR"),
       "Address of a running server, HOST:PORT or unix:PATH"},
      {"tokenizer", "", {kTokenize}, Text(&Options::tokenizer, "FILE"), "A lone tokenizer.json"},
      {"device", "auto", kWithType, Devices(),
       "What computes; auto takes a GPU if one is usable; several for serve alone: cuda:0,1"},
      {"dtype", "auto", kWithType, ComputeTypes(),
       "Number type of the computation; auto is fp16 on a GPU and fp32 on the CPU"},
      {"threads", "0", kWithEngine, Integer(&Options::threads, 0, 4096),
       "Cores that the engine may use; 0 = all that the process may use"},
      {"max-batch-tokens", "0", kWithEngine, Integer(&Options::max_batch_tokens, 0, 1 << 20),
       "Tokens that the engine is given at a time; 0 = what suits it"},
      {"max-batch-sequences", "1024", kWithEngine, Integer(&Options::max_batch_sequences, 1, 65535),
       "Texts that the engine is given at a time"},
      {"gpu-memory-limit", "0", kWithEngine, Bytes(&Options::gpu_memory_limit, 0, int64_t{1} << 50),
       "Most memory that an engine takes of its GPU, beside CUDA's own; batches shrink to fit; "
       "0 = no limit"},
  };
}

// Ranges are those that ServerOptions::Validate allows.
std::vector<OptionRow> ServeRows() {
  const auto in = [](auto field) { return In(&Options::serve, field); };
  constexpr int64_t kMebi = int64_t{1} << 20;
  constexpr double kDay = 86400;
  return {
      {"listen",
       "127.0.0.1:50051",
       {kServe},
       Text(in(&ServerOptions::listen), "ADDR"),
       "HOST:PORT to listen on; port 0 takes a free one"},
      {"insecure",
       "false",
       {kServe},
       Switch(&Options::insecure),
       "Listen without TLS on an address that others can reach"},
      {"overlong-texts",
       "model",
       {kServe},
       Truncations(in(&ServerOptions::overlong_texts)),
       "What becomes of a text that is too long when its request does not say"},
      {"max-texts",
       "1024",
       {kServe},
       Integer(in(&ServerOptions::max_texts), 1, 65536),
       "Most texts of one request"},
      {"max-request-bytes",
       "4MiB",
       {kServe},
       Bytes(in(&ServerOptions::max_request_bytes), 1024, 512 * kMebi),
       "Largest request"},
      {"max-reply-bytes",
       "64MiB",
       {kServe},
       Bytes(in(&ServerOptions::max_reply_bytes), 1024, 1024 * kMebi),
       "Largest reply"},
      {"max-queue-tokens",
       "1048576",
       {kServe},
       Integer(in(&ServerOptions::max_queue_tokens), 1, int64_t{1} << 40),
       "Most tokens that may wait; a request beyond them is refused"},
      {"max-in-flight-bytes",
       "512MiB",
       {kServe},
       Bytes(in(&ServerOptions::max_in_flight_bytes), kMebi, int64_t{1} << 40),
       "Most memory of requests and unsent replies; a request beyond it is refused"},
      {"io-threads",
       "0",
       {kServe},
       Integer(in(&ServerOptions::io_threads), 0, 64),
       "Threads that read requests; 0 = a third of the cores, 1 to 6"},
      {"tokenizer-threads",
       "0",
       {kServe},
       Integer(in(&ServerOptions::tokenizer_threads), 0, 256),
       "Threads that tokenize large requests; 0 = the other cores"},
      {"default-deadline",
       "30s",
       {kServe},
       Duration(in(&ServerOptions::default_deadline), 0.001, kDay),
       "Deadline of a call that has none"},
      {"drain-delay",
       "10s",
       {kServe},
       Duration(in(&ServerOptions::drain_delay), 0, kDay),
       "How long calls are still taken after SIGTERM, for load balancers to notice"},
      {"drain-timeout",
       "20s",
       {kServe},
       Duration(in(&ServerOptions::drain_timeout), 0, kDay),
       "How long calls under way may last after that"},
      {"hang-timeout",
       "10s",
       {kServe},
       Duration(&Options::hang_timeout, 0, kDay),
       "A GPU that does not finish a batch in this time hangs, and is lost; 0 = wait for ever"},
      {"reflection",
       "true",
       {kServe},
       Switch(in(&ServerOptions::reflection)),
       "Answer gRPC reflection, so that a client needs no .proto file"},
  };
}

std::vector<OptionRow> TextRows() {
  return {
      {"input",
       "",
       {kEncode, kTokenize, kBench},
       Text(&Options::input, "FILE"),
       "Texts, one a line; - or unset: standard input (bench, unset: sentences of its own)"},
      {"input-format",
       "lines",
       {kEncode, kTokenize},
       InputFormats(),
       "jsonl = one JSON string a line, so that a text may hold line feeds"},
      {"pairs",
       "",
       {kSimilarity, kEval, kTokenize},
       Text(&Options::pairs, "FILE"),
       "Lines of text_a TAB text_b (eval: label TAB text_a TAB text_b); - is standard input"},
      {"reference",
       "",
       {kVerify},
       Text(&Options::reference, "FILE"),
       "JSON of {\"texts\": [...], \"embeddings\": [[...]]} from sentence-transformers"},
      {"prompt-name", "", kEmbedding, Text(&Options::prompt_name, "NAME"),
       "Prompt of the model to put before each text"},
      {"prompt", "", kEmbedding, Text(&Options::prompt, "TEXT"),
       "Text to put before each text; --prompt= switches the model's default off"},
      {"normalize",
       "",
       {kEncode},
       Choice<bool>(&Options::normalize, {{"true", true}, {"false", false}}),
       "true: to length 1 after the cut; false: leave out the model's own; unset: as the model"},
      {"dimensions", "0", kEmbedding, Integer(&Options::dimensions, 0, 1 << 20),
       "Keep the first N values of an embedding; 0 = as many as the model says"},
      {"truncation", "model", kEmbedding, Truncations(&Options::truncation),
       "What becomes of a text that is too long; model: what the model or the server says"},
      {"output-type", "float32", {kEncode}, OutputTypes(), "Type of the values written"},
      {"output",
       "-",
       {kEncode},
       Text(&Options::output, "FILE"),
       "FILE.npy, or - for one JSON array a line on standard output"},
      {"function",
       "",
       {kSimilarity, kEval},
       Functions(),
       "Similarity function (eval: one or more); unset: the model's"},
      {"max-length",
       "0",
       {kTokenize},
       Integer(&Options::max_length, 0, 1 << 24),
       "Cut to N tokens, special ones included; 0 = the model's limit, none for --tokenizer"},
      {"without-special-tokens",
       "false",
       {kTokenize},
       Switch(&Options::without_special_tokens),
       "Leave out the tokens that the tokenizer puts around a text"},
  };
}

std::vector<OptionRow> RunRows() {
  return {
      {"concurrency",
       "1",
       {kBench},
       Integer(&Options::concurrency, 1, 4096),
       "Callers, each with one request at a time: the next as soon as the last is answered"},
      {"rate",
       "0",
       {kBench},
       Number(&Options::rate, 0, 1e9),
       "Requests a second, each due at its time and its latency counted from then, also if all "
       "callers are busy; 0 = no schedule"},
      {"texts-per-request",
       "1",
       {kBench},
       Integer(&Options::texts_per_request, 1, 1 << 20),
       "Texts of one request"},
      {"seconds", "10", {kBench}, Seconds(&Options::seconds, 0.01, 86400), "Time to measure for"},
      {"warm-up", "1", {kBench}, Seconds(&Options::warm_up, 0, 3600), "Time before that"},
      {"json",
       "false",
       {kEval, kVerify, kBench},
       Switch(&Options::json),
       "Print one JSON object in full precision"},
      {"service",
       "",
       {kHealth},
       Text(&Options::service, "NAME"),
       "Service to ask about; unset: the server as a whole"},
      {"wait",
       "0",
       {kHealth},
       Seconds(&Options::wait, 0, 86400),
       "Keep asking for so long until it serves"},
      {"timeout", "5min", kOnServer, Seconds(&Options::timeout, 0.001, 86400),
       "Longest wait for one answer of a server"},
      {"config", "", kAll, Text(&Options::config, "FILE"),
       "File of KEY = VALUE lines, the keys being long options; [COMMAND] starts a section"},
      {"print-config", "false", kAll, Switch(&Options::print_config),
       "Print every value and where it comes from, and do nothing else"},
  };
}

std::vector<OptionRow> MakeTable() {
  std::vector<OptionRow> table;
  for (std::vector<OptionRow> rows : {SourceRows(), ServeRows(), TextRows(), RunRows()}) {
    std::move(rows.begin(), rows.end(), std::back_inserter(table));
  }
  return table;
}

}  // namespace

std::span<const OptionRow> OptionTable() {
  static const std::vector<OptionRow> kTable = MakeTable();
  return kTable;
}

const OptionRow* FindOption(std::string_view name) {
  const auto table = OptionTable();
  const auto row = std::find_if(table.begin(), table.end(),
                                [name](const OptionRow& other) { return other.name == name; });
  return row == table.end() ? nullptr : &*row;
}

std::string VariableName(std::string_view option) {
  std::string name = "EMBEDSERVE_";
  for (const char c : option) {
    name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

}  // namespace embedserve
