// Texts to ids on one thread, as compare_tokenizers.py measures the reference library. Prints one
// JSON object.
//
//   tokenizer_bench TOKENIZER TEXTS_FILE SECONDS [IDS_FILE]
//
// TOKENIZER is a tokenizer.json or a model folder; TEXTS_FILE holds one text a line, which are
// encoded in batches of 256. "cold" is the first pass of the process: empty word cache, buffers
// never touched. "warm" are passes over the same texts after it, for SECONDS. The ids go to
// IDS_FILE as int32, to be compared with the reference's.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "model/tokenizer/tokenizer.h"

namespace embedserve {
namespace {

// Of this thread alone: the neighbours' time slices are not counted, on either side of a
// comparison.
struct Clock {
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<Clock, duration>;
  static time_point now() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
  }
};

constexpr std::size_t kBatch = 256;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

void DieUnless(const absl::Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "tokenizer_bench: {}\n", std::string(status.message()));
  std::exit(1);
}

std::unique_ptr<const Tokenizer> Load(const std::filesystem::path& path) {
  auto tokenizer = std::filesystem::is_directory(path) ? Tokenizer::FromFolder(path, {})
                                                       : Tokenizer::FromFile(path);
  DieUnless(tokenizer.status());
  return *std::move(tokenizer);
}

// All texts, batch by batch; `sink` sees each batch.
template <typename Sink>
void Pass(const Tokenizer& tokenizer, std::span<const std::string_view> texts,
          Tokenizer::Scratch& scratch, TokenBatch& batch, Sink sink) {
  while (!texts.empty()) {
    const auto some = texts.first(std::min(kBatch, texts.size()));
    batch.clear();
    DieUnless(tokenizer.Encode(some, {}, scratch, batch));
    sink(batch);
    texts = texts.subspan(some.size());
  }
}

int Main(std::span<char*> arguments) {
  if (arguments.size() < 4 || arguments.size() > 5) {
    fmt::print(stderr, "usage: tokenizer_bench TOKENIZER TEXTS_FILE SECONDS [IDS_FILE]\n");
    return 1;
  }
  std::vector<std::string> lines;
  std::ifstream file(arguments[2]);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  const std::vector<std::string_view> texts(lines.begin(), lines.end());
  std::size_t bytes = 0;
  for (const std::string_view text : texts) bytes += text.size();
  const double seconds = std::atof(arguments[3]);

  const auto load = Clock::now();
  const auto tokenizer = Load(arguments[1]);
  const double load_seconds = Seconds(load);

  std::size_t ids = 0;
  const auto count = [&](const TokenBatch& batch) { ids += batch.ids.size(); };
  const auto start = Clock::now();
  Tokenizer::Scratch scratch;
  TokenBatch batch;
  Pass(*tokenizer, texts, scratch, batch, count);
  const double cold = Seconds(start);
  const std::size_t ids_of_a_pass = ids;

  std::vector<double> warm;
  while (warm.size() < 3 || Seconds(start) < seconds) {
    const auto pass = Clock::now();
    Pass(*tokenizer, texts, scratch, batch, count);
    warm.push_back(Seconds(pass));
  }
  std::sort(warm.begin(), warm.end());
  if (arguments.size() == 5) {
    std::ofstream out(arguments[4], std::ios::binary);
    Pass(*tokenizer, texts, scratch, batch, [&](const TokenBatch& some) {
      out.write(reinterpret_cast<const char*>(some.ids.data()),
                static_cast<std::streamsize>(some.ids.size() * sizeof(int32_t)));
    });
  }
  fmt::print(
      "{{\"texts\": {}, \"bytes\": {}, \"ids\": {}, \"load_seconds\": {:.4f}, "
      "\"cold_seconds\": {:.7f}, \"warm_seconds\": {:.7f}, \"median_warm_seconds\": {:.7f}, "
      "\"passes\": {}}}\n",
      texts.size(), bytes, ids_of_a_pass, load_seconds, cold, warm.front(), warm[warm.size() / 2],
      warm.size());
  return 0;
}

}  // namespace
}  // namespace embedserve

int main(int argc, char** argv) { return embedserve::Main({argv, static_cast<std::size_t>(argc)}); }
