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

Agent::Handover Agent::move_to(Outbox& file) {
  Handover handover{.why = ports_.outbox.health().last_error};
  if (const Status stored = finish(); !stored) log_warning("store", stored.error().text);
  handover.progress = progress();
  handover.losses.resize(lanes_.size());
  handover.moved = move_rows(ports_.outbox, file);
  std::uint64_t counted = 0;   // reported from now on: not twice
  std::uint64_t unstored = 0;  // not even memory took it
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    LossCounts& losses = handover.losses[i];
    losses = lanes_[i].unreported();
    const Lane::Streams& streams = lanes_[i].streams();
    for (const StreamIndex stream : {streams.telemetry, streams.events})
      for (const auto& [cause, count] : handover.moved.losses[stream]) count_loss(losses, cause, count);
    const std::uint64_t staged = ports_.outbox.staged_samples(streams.telemetry);
    count_loss(losses, "buffer_full", staged);
    counted += total(losses);
    unstored += staged;
  }
  counted -= handover.moved.newly_lost_events;  // which are no samples until they are lost
  handover.progress.sampled -= counted;
  handover.progress.lost -= counted - handover.moved.newly_lost_samples - unstored;
  handover.progress.stored =
      handover.progress.published + (file.staged_rows() == 0 ? handover.moved.samples : 0);
  return handover;
}

void Agent::inherit(const Handover& handover) {
  inherited_ = handover.progress;
  for (std::size_t i = 0; i < std::min(lanes_.size(), handover.losses.size()); ++i)
    for (const auto& [cause, count] : handover.losses[i]) lanes_[i].count_loss(cause, count);
  std::string event = R"("event":"buffer_made","severity":"warning","moved_rows":)";
  event += std::to_string(handover.moved.rows) +
           ",\"moved_samples\":" + std::to_string(handover.moved.samples) + ",\"reason\":";
  append_json_string(event, handover.why);
  store_event(event);
}

}  // namespace outrider
