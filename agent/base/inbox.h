// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace outrider {

/// Bounded hand-over of values from threads that must not wait to the one that drains.
///
/// Full means refuse and count: the count is what the loop reports as lost. A source that can wait (a log
/// file) asks `wait_for_room` first and then loses nothing.
template <class T>
class Inbox {
 public:
  explicit Inbox(std::size_t capacity) : capacity_(capacity) {}

  /// Takes what fits of `items`, in order; the rest is counted as dropped. Returns how many were taken.
  std::size_t push(std::span<const T> items) {
    const std::lock_guard lock(mutex_);
    const std::size_t room = capacity_ - items_.size();
    const std::size_t taken = items.size() < room ? items.size() : room;
    items_.insert(items_.end(), items.begin(), items.begin() + static_cast<std::ptrdiff_t>(taken));
    dropped_ += items.size() - taken;
    return taken;
  }
  bool push(const T& item) { return push(std::span(&item, 1)) == 1; }

  /// Swaps everything waiting into `batch`, which keeps its memory for the next swap.
  void take_all(std::vector<T>& batch) {
    batch.clear();
    {
      const std::lock_guard lock(mutex_);
      items_.swap(batch);
    }
    if (!batch.empty()) has_room_.notify_all();
  }

  /// True as soon as `count` items fit; false after `longest`.
  bool wait_for_room(std::size_t count, std::chrono::nanoseconds longest) {
    std::unique_lock lock(mutex_);
    return has_room_.wait_for(lock, longest, [&] { return capacity_ - items_.size() >= count; });
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }
  std::size_t capacity() const { return capacity_; }
  /// Items refused since construction.
  std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable has_room_;
  std::vector<T> items_;       // guarded by mutex_
  std::uint64_t dropped_ = 0;  // guarded by mutex_
};

}  // namespace outrider
