// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "agent/ports/can_port.h"

namespace outrider {

/// A bus on which the test sends. Frames come out in the order in which they were fed.
///
/// Threads  any.
class ScriptedCan final : public CanPort {
 public:
  explicit ScriptedCan(bool can_wait = false) : can_wait_(can_wait) {}

  void feed(std::span<const CanFrame> frames) {
    const std::lock_guard lock(mutex_);
    waiting_.insert(waiting_.end(), frames.begin(), frames.end());
    changed_.notify_all();
  }
  void feed(const CanFrame& frame) { feed(std::span(&frame, 1)); }

  /// The feed is at its end once everything fed has been received.
  void end() {
    const std::lock_guard lock(mutex_);
    is_ended_ = true;
    changed_.notify_all();
  }
  /// The next `receive` returns this error, once, before any frame.
  void fail_once(Error error) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
    changed_.notify_all();
  }
  void set_overruns(std::uint16_t bus, std::uint64_t frames) {
    const std::lock_guard lock(mutex_);
    overruns_[bus] = frames;
  }
  /// Frames that nobody has received yet.
  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }

  Result<Feed> receive(std::vector<CanFrame>& frames, milliseconds longest) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, longest, [this] { return failure_ || is_ended_ || !waiting_.empty(); });
    if (failure_) {
      Error error = std::move(*failure_);
      failure_.reset();
      return error;
    }
    const std::size_t count = std::min<std::size_t>(waiting_.size(), 1000);
    const auto last = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    frames.insert(frames.end(), waiting_.begin(), last);
    waiting_.erase(waiting_.begin(), last);
    return count == 0 && is_ended_ ? Feed::kEnded : Feed::kOpen;
  }
  bool can_wait() const override { return can_wait_; }
  std::uint64_t overruns(std::uint16_t bus) const override {
    const std::lock_guard lock(mutex_);
    const auto found = overruns_.find(bus);
    return found == overruns_.end() ? 0 : found->second;
  }

 private:
  const bool can_wait_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<CanFrame> waiting_;                     // guarded by mutex_
  bool is_ended_ = false;                            // guarded by mutex_
  std::optional<Error> failure_;                     // guarded by mutex_
  std::map<std::uint16_t, std::uint64_t> overruns_;  // guarded by mutex_
};

}  // namespace outrider
