#include <atomic>
#include <chrono>
#include <thread>

#include "cli/commands.h"
#include "cli/embedder.h"
#include "cli/exit_code.h"
#include "cli/load_result.h"
#include "cli/text_input.h"
#include "fmt/format.h"
#include "model/folder/status_macros.h"

namespace embedserve {
namespace {

using Clock = std::chrono::steady_clock;

// Sentences of 5 to 18 words: the lengths, not the words, decide the speed.
constexpr std::string_view kSentences[] = {
    "The ferry leaves at noon.",
    "Nobody in the village remembered when the old bridge had been built.",
    "Two engineers measured the flow of the river, which had doubled within a single night.",
    "She bought bread, cheese and a small bottle of olive oil at the market.",
    "Copper rose again on Tuesday as traders waited for news of the strike in the mines.",
    "A model is only as good as the data that it was trained on.",
    "The committee will meet next week to decide whether the old school should stay open or not.",
    "Rain is expected in the north, with clear skies later in the day.",
};

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string CodeName(absl::StatusCode code) { return absl::StatusCodeToString(code); }

Clock::duration Of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

struct Load {
  std::vector<std::string_view> texts;  // taken in turn
  std::size_t texts_per_request = 1;
  double rate = 0;  // requests a second from `begin` on; 0: as fast as the callers are answered
  Clock::time_point begin, measure_from, until;
};

// One caller. Takes the next request of all callers, waits until it is due and asks. Requests due
// in [measure_from, until) count, with the time since they were due: a caller that is late for one,
// being busy with another, hides nothing. Without a rate a request is due when a caller takes it.
LoadResult RunCaller(Embedder& embedder, const Load& load, std::atomic<std::size_t>& next_request) {
  LoadResult result;
  std::vector<std::string_view> texts(load.texts_per_request);
  while (true) {
    const std::size_t request = next_request.fetch_add(1, std::memory_order_relaxed);
    std::size_t at = request * texts.size();
    for (std::string_view& text : texts) text = load.texts[at++ % load.texts.size()];
    const Clock::time_point start =
        load.rate > 0 ? load.begin + Of(static_cast<double>(request) / load.rate) : Clock::now();
    if (start >= load.until) return result;
    std::this_thread::sleep_until(start);
    int64_t tokens = 0;
    const absl::Status status =
        embedder.Encode(texts, EmbedRequest{}, [&](const Rows&, std::span<const int32_t> counts) {
          for (const int32_t count : counts) tokens += count;
          return absl::OkStatus();
        });
    const Clock::time_point end = Clock::now();
    if (start < load.measure_from) continue;
    result.seconds = Seconds(end - load.measure_from);
    if (status.ok()) {
      result.texts += static_cast<int64_t>(texts.size());
      result.tokens += tokens;
      result.latencies.push_back(Seconds(end - start));
    } else {
      ++result.errors[CodeName(status.code())];
    }
  }
}

absl::StatusOr<LoadResult> RunLoad(const Options& options, std::vector<std::string_view> texts) {
  std::vector<std::unique_ptr<Embedder>> embedders;
  for (int i = 0; i < options.concurrency; ++i) {
    ASSIGN_OR_RETURN(embedders.emplace_back(), OpenEmbedder(options));
  }
  const Clock::time_point now = Clock::now();
  const Load load{.texts = std::move(texts),
                  .texts_per_request = static_cast<std::size_t>(options.texts_per_request),
                  .rate = options.rate,
                  .begin = now,
                  .measure_from = now + Of(options.warm_up),
                  .until = now + Of(options.warm_up + options.seconds)};
  std::atomic<std::size_t> next_request{0};
  std::vector<LoadResult> results(embedders.size());
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < embedders.size(); ++i) {
    callers.emplace_back([&, i] { results[i] = RunCaller(*embedders[i], load, next_request); });
  }
  for (std::thread& caller : callers) caller.join();
  LoadResult total;
  for (const LoadResult& result : results) total.Add(result);
  return total;
}

absl::Status CheckBench(const Options& options) {
  if (options.concurrency > 1 && !options.model.empty()) {
    return UsageError(
        "--concurrency above 1 needs --server ADDR: with --model one engine answers one caller; "
        "use --texts-per-request N for larger batches");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunBench(const Options& options) {
  RETURN_IF_ERROR(CheckBench(options));
  TextInput input;
  std::vector<std::string_view> texts(std::begin(kSentences), std::end(kSentences));
  if (!options.input.empty()) {
    ASSIGN_OR_RETURN(input, TextInput::Read(options.input, InputFormat::kLines));
    texts = input.texts();
    if (texts.empty()) {
      return absl::InvalidArgumentError(fmt::format("{}: no texts", options.input));
    }
  }
  ASSIGN_OR_RETURN(LoadResult result, RunLoad(options, std::move(texts)));
  RETURN_IF_ERROR(Print(options.json ? LoadJson(result) : LoadTable(result)));
  if (!result.latencies.empty()) return absl::OkStatus();
  return absl::UnavailableError("no request was answered");
}

}  // namespace embedserve
