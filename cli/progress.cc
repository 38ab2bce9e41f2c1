#include "cli/progress.h"

#include <unistd.h>

#include <cstdio>

#include "fmt/format.h"

namespace embedserve {

Progress::Progress(std::size_t total) : Progress(total, isatty(2) == 1, Clock::now()) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

std::string Progress::LineAt(std::size_t done, Clock::time_point now) {
  using std::chrono::milliseconds;
  if (!is_terminal_ || now - start_ < milliseconds(1000) || now - last_ < milliseconds(100)) {
    return "";
  }
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done) / seconds;
  const double left = done == 0 ? 0 : static_cast<double>(total_ - done) / rate;
  return fmt::format("{} of {} texts, {:.0f} a second, {:.0f} s left", done, total_, rate, left);
}

void Progress::Update(std::size_t done) {
  const std::string line = LineAt(done, Clock::now());
  if (line.empty()) return;
  shown_ = true;
  std::fputs(fmt::format("\r\x1b[K{}", line).c_str(), stderr);
}

}  // namespace embedserve
