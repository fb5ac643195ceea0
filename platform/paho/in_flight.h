// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace outrider {

/// Publications that Paho has and has not finished, by slot: Paho carries a pointer for us, too small for a token on
/// 32-bit machines.
///
/// Bounds   kWindowBytes, so that what Paho holds fits in the link's queue and Paho's writes never stall half-way
///          (it cannot say DISCONNECT then). One message may always go, and small ones may exceed it. And `most`
///          acknowledgements: beyond the broker's Receive Maximum Paho sends only once a second.
/// Threads  any.
class InFlight {
 public:
  static constexpr std::size_t kWindowBytes = 1 << 20;
  static constexpr std::size_t kSmallBytes = 4 << 10;

  /// `token` 0: of QoS 0, without an acknowledgement. nullopt: no room now.
  std::optional<std::size_t> add(std::uint64_t token, std::size_t bytes, std::size_t most) {
    const std::lock_guard lock(mutex_);
    const bool fits = bytes_ == 0 || bytes <= kSmallBytes || bytes_ + bytes <= kWindowBytes;
    if (!fits || (token != 0 && unacknowledged_ >= most)) return std::nullopt;
    bytes_ += bytes;
    if (token != 0) ++unacknowledged_;
    if (free_.empty()) {
      free_.push_back(slots_.size());
      slots_.emplace_back();
      free_.reserve(slots_.size());  // so that `remove` allocates nothing
    }
    const std::size_t slot = free_.back();
    free_.pop_back();
    slots_[slot] = {token, bytes};
    return slot;
  }

  /// Returns the token.
  std::uint64_t remove(std::size_t slot) {
    const std::lock_guard lock(mutex_);
    bytes_ -= slots_[slot].bytes;
    if (slots_[slot].token != 0) --unacknowledged_;
    free_.push_back(slot);
    return slots_[slot].token;
  }

  bool empty() {
    const std::lock_guard lock(mutex_);
    return bytes_ == 0;
  }

 private:
  struct Slot {
    std::uint64_t token = 0;
    std::size_t bytes = 0;
  };

  std::mutex mutex_;
  std::vector<Slot> slots_;         // guarded by mutex_
  std::vector<std::size_t> free_;   // guarded by mutex_
  std::size_t bytes_ = 0;           // guarded by mutex_
  std::size_t unacknowledged_ = 0;  // guarded by mutex_
};

}  // namespace outrider
