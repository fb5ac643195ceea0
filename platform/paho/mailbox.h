// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "agent/ports/message_source.h"

namespace outrider {

/// Messages on their way from Paho's thread to the caller's. Loses none and never makes Paho wait, which has one
/// receiving thread for all clients of a process: when it is full it closes the gate where the bytes come in, so the
/// broker keeps what it could not hand over, and opens it again when it was emptied.
///
/// Bounds   `full_bytes`, and what is between the gate and here (the socket buffers of the loopback) when it closes.
/// Threads  `put` Paho's, the rest the caller's. The gate is called by both, one at a time; it must not wait for them.
class Mailbox {
 public:
  using Gate = std::function<void(bool is_open)>;

  Mailbox(std::size_t full_bytes, Gate gate) : full_bytes_(full_bytes), gate_(std::move(gate)) {}

  void put(ReceivedMessage message) {
    {
      const std::lock_guard lock(mutex_);
      if (is_discarding_) return;
      bytes_ += sizeof(message) + message.topic.size() + message.payload.size();
      messages_.push_back(std::move(message));
      if (is_gate_open_ && bytes_ >= full_bytes_) set_gate(false);
    }
    changed_.notify_all();
  }

  /// Something else happened that the caller wants to know at once.
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      is_rung_ = true;
    }
    changed_.notify_all();
  }

  /// Appends everything that is there; waits until there is something, it is rung, or `longest` is over.
  void take(std::vector<ReceivedMessage>& messages, std::chrono::nanoseconds longest) {
    std::vector<ReceivedMessage> taken;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, longest, [this] { return is_rung_ || !messages_.empty(); });
      is_rung_ = false;
      taken.swap(messages_);
      bytes_ = 0;
      if (!is_gate_open_) set_gate(true);
    }
    messages.insert(messages.end(), std::make_move_iterator(taken.begin()),
                    std::make_move_iterator(taken.end()));
  }

  /// Nobody will take messages any more: from now on they are thrown away, and the gate stays open.
  void discard() {
    const std::lock_guard lock(mutex_);
    is_discarding_ = true;
    messages_.clear();
    if (!is_gate_open_) set_gate(true);
  }

 private:
  void set_gate(bool is_open) {
    is_gate_open_ = is_open;
    gate_(is_open);
  }

  const std::size_t full_bytes_;
  const Gate gate_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ReceivedMessage> messages_;  // guarded by mutex_, as are the rest
  std::size_t bytes_ = 0;
  bool is_gate_open_ = true;
  bool is_discarding_ = false;
  bool is_rung_ = false;
};

}  // namespace outrider
