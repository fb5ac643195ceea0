// SPDX-License-Identifier: Apache-2.0
// From a buffer to the next one within a run: nothing that the agent was asked to keep goes without being reported.
#include <algorithm>

#include "agent/agent.h"
#include "agent/base/json_text.h"
#include "agent/base/log.h"

namespace outrider {

std::vector<Agent::Unstored> Agent::unstored() const {
  std::vector<Unstored> of_lanes;
  for (const Lane& lane : lanes_) {
    const StreamIndex stream = lane.streams().telemetry;
    const Ledger ledger = ports_.outbox.ledger(stream);
    const std::uint64_t staged = ports_.outbox.staged_samples(stream);
    of_lanes.push_back({.in_memory = lane.unreported_losses() + staged,
                        .in_file = ledger.waiting > staged ? ledger.waiting - staged : 0,
                        .lost = ledger.lost,
                        .epoch = ports_.outbox.epoch()});
  }
  return of_lanes;
}

/// What salvage found missing it has reported itself; of a file that is gone nobody else can tell.
void Agent::report_unstored(const std::vector<Unstored>& before) {
  for (std::size_t i = 0; i < std::min(before.size(), lanes_.size()); ++i) {
    const Ledger now = ports_.outbox.ledger(lanes_[i].streams().telemetry);
    const std::uint64_t earlier = before[i].epoch == ports_.outbox.epoch() ? before[i].lost : 0;
    const std::uint64_t found = now.waiting + (now.lost > earlier ? now.lost - earlier : 0);
    const std::uint64_t gone = before[i].in_file > found ? before[i].in_file - found : 0;
    lanes_[i].count_loss("buffer_damaged", before[i].in_memory + gone);
  }
}

Agent::Legacy Agent::move_to(Outbox& file) {
  Legacy legacy{.why = ports_.outbox.health().last_error};
  if (const Status stored = finish(); !stored) log_warning("store", stored.error().text);
  legacy.progress = progress();
  legacy.losses.resize(lanes_.size());
  legacy.moved = move_rows(ports_.outbox, file);
  std::uint64_t counted = 0;   // reported from now on: not twice
  std::uint64_t unstored = 0;  // not even memory took it
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    LossCounts& losses = legacy.losses[i];
    losses = lanes_[i].unreported();
    const Lane::Streams& streams = lanes_[i].streams();
    for (const StreamIndex stream : {streams.telemetry, streams.events})
      for (const auto& [cause, count] : legacy.moved.losses[stream]) count_loss(losses, cause, count);
    const std::uint64_t staged = ports_.outbox.staged_samples(streams.telemetry);
    count_loss(losses, "buffer_full", staged);
    counted += total(losses);
    unstored += staged;
  }
  counted -= legacy.moved.newly_lost_events;  // which are no samples until they are lost
  legacy.progress.sampled -= counted;
  legacy.progress.lost -= counted - legacy.moved.newly_lost_samples - unstored;
  legacy.progress.stored = legacy.progress.published + (file.staged_rows() == 0 ? legacy.moved.samples : 0);
  return legacy;
}

void Agent::inherit(const Legacy& legacy) {
  inherited_ = legacy.progress;
  for (std::size_t i = 0; i < std::min(lanes_.size(), legacy.losses.size()); ++i)
    for (const auto& [cause, count] : legacy.losses[i]) lanes_[i].count_loss(cause, count);
  std::string event = R"("event":"buffer_made","severity":"warning","moved_rows":)";
  event += std::to_string(legacy.moved.rows) + ",\"moved_samples\":" + std::to_string(legacy.moved.samples) +
           ",\"reason\":";
  append_json_string(event, legacy.why);
  store_event(event);
}

}  // namespace outrider
