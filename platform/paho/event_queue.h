// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "agent/base/bell.h"
#include "agent/ports/broker.h"

namespace outrider {

/// Events on their way from Paho's threads to the loop. Only those of the connection that counts get through, and
/// nothing comes after its end.
///
/// Threads  `push` any; the rest the loop's. The bell rings when the queue was empty: once for a burst.
class EventQueue {
 public:
  explicit EventQueue(Bell& bell) : bell_(bell) {}

  /// A new connection counts from here on, and what is queued of an earlier one is forgotten; returns its number.
  std::uint64_t begin() {
    const std::lock_guard lock(mutex_);
    events_.clear();
    current_ = ++last_;
    return current_;
  }

  void abandon() {
    const std::lock_guard lock(mutex_);
    events_.clear();
    current_ = kNone;
  }

  void push(std::uint64_t connection, BrokerEvent event) {
    const bool is_end = event.kind == BrokerEvent::Kind::kRefused || event.kind == BrokerEvent::Kind::kLost;
    bool was_empty = false;
    {
      const std::lock_guard lock(mutex_);
      if (connection != current_) return;
      was_empty = events_.empty();
      events_.push_back(std::move(event));
      if (is_end) current_ = kNone;
    }
    if (was_empty) bell_.ring();
  }

  void take(std::vector<BrokerEvent>& events) {
    const std::lock_guard lock(mutex_);
    events.insert(events.end(), std::make_move_iterator(events_.begin()),
                  std::make_move_iterator(events_.end()));
    events_.clear();
  }

 private:
  static constexpr std::uint64_t kNone = 0;

  Bell& bell_;
  std::mutex mutex_;
  std::vector<BrokerEvent> events_;  // guarded by mutex_
  std::uint64_t current_ = kNone;    // guarded by mutex_
  std::uint64_t last_ = kNone;       // guarded by mutex_
};

}  // namespace outrider
