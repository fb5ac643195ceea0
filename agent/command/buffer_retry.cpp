// SPDX-License-Identifier: Apache-2.0
#include "agent/command/buffer_retry.h"

#include <utility>

#include "agent/base/backoff.h"
#include "agent/base/log.h"

namespace outrider {
namespace {

/// A try costs a few system calls; no longer, for samples are lost when memory is full.
constexpr BackoffLimits kPauses{.base = milliseconds(500), .cap = milliseconds(10'000)};
/// An acknowledgement takes a round trip, rarely more than a second.
constexpr seconds kLongestSettling{10};

}  // namespace

BufferRetry::BufferRetry(const BufferConfig& buffer, World& world, std::string reason, BootTime now)
    : buffer_(buffer),
      world_(world),
      next_try_(now + backoff_delay(kPauses, failures_, 1.0)),
      reason_(std::move(reason)) {}

std::unique_ptr<Outbox> BufferRetry::try_again(Outbox& in_memory, BootTime now) {
  if (!file_ && now >= next_try_) try_to_open(in_memory, now);
  if (!file_ || (!in_memory.is_settled() && now < settled_by_)) return nullptr;
  return std::move(file_);
}

void BufferRetry::try_to_open(Outbox& in_memory, BootTime now) {
  auto opened = open_buffer(
      buffer_, world_, LostBuffer{.epoch = in_memory.epoch(), .attempt = failures_, .is_damaged = false});
  if (opened) {
    file_ = std::move(*opened);
    in_memory.hold_back(true);
    settled_by_ = now + kLongestSettling;
    return;
  }
  next_try_ = now + backoff_delay(kPauses, ++failures_, 1.0);
  if (std::exchange(reason_, opened.error().text) != opened.error().text)
    log_warning("store.memory", "there is still no buffer on the disk: " + opened.error().text);
}

}  // namespace outrider
