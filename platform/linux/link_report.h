// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>

#include "agent/base/time.h"
#include "agent/ports/secure_channel.h"

namespace outrider {

/// What a link has to say about its newest connection. Older connections may still be closing;
/// what they report is not kept.
///
/// Threads  any.
class LinkReport {
 public:
  /// A new connection is the one that matters from here on; returns its number.
  std::uint64_t begin() {
    const std::lock_guard lock(mutex_);
    failure_ = {};
    is_by_broker_ = false;
    is_released_ = false;
    return ++newest_;
  }

  /// The first reason stays: what follows is usually its consequence. `is_by_broker`: it closed or reset the connection.
  void fail(std::uint64_t number, LinkFailure why, bool is_by_broker) {
    const std::lock_guard lock(mutex_);
    if (number != newest_ || !failure_.text.empty()) return;
    failure_ = std::move(why);
    is_by_broker_ = is_by_broker;
  }

  /// Nothing more will be sent to the broker or taken from it.
  void release(std::uint64_t number) {
    {
      const std::lock_guard lock(mutex_);
      if (number == newest_) is_released_ = true;
    }
    changed_.notify_all();
  }

  LinkFailure failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }
  bool is_by_broker() const {
    const std::lock_guard lock(mutex_);
    return is_by_broker_;
  }
  bool wait_released(milliseconds longest) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, longest, [this] { return is_released_; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t newest_ = 0;   // guarded by mutex_
  bool is_released_ = true;    // guarded by mutex_
  LinkFailure failure_;        // guarded by mutex_
  bool is_by_broker_ = false;  // guarded by mutex_
};

}  // namespace outrider
