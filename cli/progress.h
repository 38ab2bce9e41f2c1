// A line on stderr that says how far the work is: only on a terminal, and only once the work has
// taken a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace embedserve {

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  Progress(std::size_t total, bool is_terminal, Clock::time_point start)
      : total_(total), is_terminal_(is_terminal), start_(start), last_(start) {}
  // For this process: starts now, stderr decides.
  explicit Progress(std::size_t total);
  ~Progress();  // clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Update(std::size_t done);
  // What to show at `now`; "" = nothing new. At most ten times a second.
  std::string LineAt(std::size_t done, Clock::time_point now);

 private:
  std::size_t total_;
  bool is_terminal_;
  Clock::time_point start_, last_;
  bool shown_ = false;
};

}  // namespace embedserve
