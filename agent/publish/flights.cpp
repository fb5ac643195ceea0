// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/flights.h"

#include <algorithm>

namespace outrider {

void Flights::push(StreamIndex stream, const Flight& flight) {
  if (stream >= queues_.size()) queues_.resize(stream + 1U);
  queues_[stream].push_back(flight);
  ++waiting_;
  waiting_bytes_ += flight.bytes;
}

/// Past the end of no queue when there is none: `empty` streams are asked for nothing.
Flights::Queue::iterator Flights::find_waiting(StreamIndex stream, std::uint64_t token) {
  Queue& queue = queues_[stream];
  return std::find_if(queue.begin(), queue.end(),
                      [&](const Flight& flight) { return flight.token == token && !flight.is_acknowledged; });
}

void Flights::arrived(Flight& flight) {
  if (flight.is_acknowledged) return;
  flight.is_acknowledged = true;
  --waiting_;
  waiting_bytes_ -= flight.bytes;
}

std::optional<Flight> Flights::acknowledge(StreamIndex stream, std::uint64_t token) {
  if (empty(stream)) return std::nullopt;
  const auto flight = find_waiting(stream, token);
  if (flight == queues_[stream].end()) return std::nullopt;
  arrived(*flight);
  return *flight;
}

Sequence Flights::pass_acknowledged(StreamIndex stream) {
  Sequence through = 0;
  for (Queue& queue = queues_[stream]; !queue.empty() && queue.front().is_acknowledged; queue.pop_front())
    through = queue.front().range.last;
  return through;
}

std::optional<Flight> Flights::take_back(StreamIndex stream, std::uint64_t token) {
  if (empty(stream)) return std::nullopt;
  Queue& queue = queues_[stream];
  const auto refused = find_waiting(stream, token);
  if (refused == queue.end()) return std::nullopt;
  const Flight flight = *refused;
  for (auto each = refused; each != queue.end(); ++each) arrived(*each);
  queue.erase(refused, queue.end());
  return flight;
}

std::vector<PoisonWatch::InFlight> Flights::take_back_all() {
  std::vector<PoisonWatch::InFlight> lost;
  for (std::size_t stream = 0; stream < queues_.size(); ++stream) {
    PoisonWatch::InFlight in_flight{.stream = static_cast<StreamIndex>(stream)};
    for (const Flight& flight : queues_[stream]) {
      if (flight.is_acknowledged) continue;
      if (in_flight.messages++ == 0) in_flight.oldest = flight.range;
    }
    if (in_flight.messages > 0) lost.push_back(in_flight);
    queues_[stream].clear();
  }
  waiting_ = 0;
  waiting_bytes_ = 0;
  return lost;
}

bool Flights::has_passed_over(BootTime then) const {
  return std::any_of(queues_.begin(), queues_.end(), [&](const Queue& queue) {
    return !queue.empty() && queue.front().sent < then &&
           std::any_of(queue.begin(), queue.end(), [](const Flight& f) { return f.is_acknowledged; });
  });
}

}  // namespace outrider
