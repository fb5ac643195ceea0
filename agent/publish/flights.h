// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "agent/base/time.h"
#include "agent/publish/poison_watch.h"
#include "agent/publish/refusal.h"

namespace outrider {

/// A message with rows on its way.
struct Flight {
  std::uint64_t token = 0;
  RowRange range = {};
  std::size_t bytes = 0;  ///< Of payload.
  BootTime sent{};
  bool is_acknowledged = false;
};

/// The messages of each stream that are not done with, in the order they were sent.
///
/// Threads  pure.
class Flights {
 public:
  void push(StreamIndex stream, const Flight& flight);
  bool empty(StreamIndex stream) const { return stream >= queues_.size() || queues_[stream].empty(); }

  /// Messages that wait for an acknowledgement, of all streams, and their payload.
  std::size_t waiting() const { return waiting_; }
  std::size_t waiting_bytes() const { return waiting_bytes_; }

  /// nullopt when it was acknowledged before, or is no longer waited for.
  std::optional<Flight> acknowledge(StreamIndex stream, std::uint64_t token);

  /// Number of the last row before which nothing is missing, 0 when the oldest message still waits. Only such a prefix
  /// may leave the store.
  Sequence pass_acknowledged(StreamIndex stream);

  /// Forgets this one and all behind it: they will be sent again. nullopt as for `acknowledge`.
  std::optional<Flight> take_back(StreamIndex stream, std::uint64_t token);

  /// Forgets all; returns, per stream, what still waited.
  std::vector<PoisonWatch::InFlight> take_back_all();

  /// True when a message sent before `then` was passed over: acknowledgements come in the order of publishing (MQTT
  /// 5.0, 4.6), so its own will never come.
  bool has_passed_over(BootTime then) const;

 private:
  using Queue = std::deque<Flight>;

  Queue::iterator find_waiting(StreamIndex stream, std::uint64_t token);
  void arrived(Flight& flight);

  std::vector<Queue> queues_;
  std::size_t waiting_ = 0;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace outrider
