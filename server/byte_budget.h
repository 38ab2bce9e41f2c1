// Bytes in flight: requests and answers that are not yet on their way. Lock-free.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace embedserve {

class ByteBudget {
 public:
  // Gives its bytes back when it dies.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Permit() {
      if (budget_ != nullptr) budget_->used_.fetch_sub(bytes_, std::memory_order_relaxed);
    }
    explicit operator bool() const { return budget_ != nullptr; }

   private:
    friend class ByteBudget;
    Permit(ByteBudget* budget, std::size_t bytes) : budget_(budget), bytes_(bytes) {}
    ByteBudget* budget_ = nullptr;
    std::size_t bytes_ = 0;
  };

  explicit ByteBudget(std::size_t limit) : limit_(limit) {}

  // False if they do not fit; where nothing is in flight anything fits.
  Permit Take(std::size_t bytes) {
    std::size_t used = used_.load(std::memory_order_relaxed);
    do {
      if (used != 0 && used + bytes > limit_) return Permit();
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return Permit(this, bytes);
  }

  std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  std::size_t limit() const { return limit_; }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace embedserve
