// SPDX-License-Identifier: Apache-2.0
// What the broker does not want: refused messages, and rows that make it end the connection.
#include <algorithm>

#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "agent/publish/publisher.h"

namespace outrider {

void Publisher::on_rejected(StreamIndex index, const BrokerEvent& event, BootTime now) {
  const std::optional<Flight> flight = flights_.take_back(index, event.token);
  if (!flight) return;
  streams_[index].next = flight->range.first;
  refused(index, flight->range, blame_of(event.reason_code), event.text, now);
}

void Publisher::refused(StreamIndex index, const RowRange& range, Blame blame, std::string_view reason,
                        BootTime now) {
  Stream& stream = streams_[index];
  ++counters_.refusals;
  if (blame == Blame::kNobody) ++counters_.passing_refusals;
  stream.refusal = reason;
  last_trouble_ = PublishTrouble{stream.topic + ": " + stream.refusal, now};
  switch (stream.policy.refused(blame, range, stream.row_limit)) {
    case RefusalPolicy::Step::kRetry:
      return;
    case RefusalPolicy::Step::kBury:
      if (bury(index, range, reason)) return;
      break;
    case RefusalPolicy::Step::kWait:
      break;
  }
  const nanoseconds length = pause(index, now);
  log_error("publish.refused",
            "a message on " + stream.topic + " was refused: " + stream.refusal + "; " +
                (stream.policy.is_holding() ? "all of this topic waits until that is mended, "
                                            : "its rows wait, ") +
                "next try in " + duration_text(length));
}

/// False when it cannot be done now.
bool Publisher::bury(StreamIndex index, const RowRange& range, std::string_view reason) {
  const std::string row = "row " + std::to_string(range.first) + " of " + streams_[index].topic;
  if (const auto buried = outbox_.bury(index, range.first, reason); !buried) {
    log_error("publish.buried", row + " cannot become a dead letter: " + buried.error().text);
    return false;
  }
  ++counters_.buried;
  log_error("publish.buried",
            row + " can never be delivered and is a dead letter now: " + std::string(reason));
  return true;
}

/// Holds a stream for a while that grows with its refusals.
nanoseconds Publisher::pause(StreamIndex index, BootTime now) {
  Stream& stream = streams_[index];
  const double random = std::uniform_real_distribution<double>(0.5, 1)(random_);
  const nanoseconds length = backoff_delay(config_.backoff, stream.policy.refusals(), random);
  stream.paused_until = now + length;
  return length;
}

/// Was it a row that made the broker end the connection?
void Publisher::judge_loss(const BrokerEvent& event, BootTime now) {
  const bool by_broker = event.closed_by_peer && may_end_for_message(event.reason_code);
  const bool has_more = statuses_.in_flight() > 0;
  const auto [verdict, suspect] = poison_.lost(by_broker, flights_.take_back_all(), has_more);
  if (verdict == PoisonWatch::Verdict::kInnocent) return;
  Stream& stream = streams_[suspect.stream];
  if (verdict == PoisonWatch::Verdict::kNarrow) return stream.row_limit.narrow(suspect.oldest);
  stream.refusal = "the broker ends the connection when it gets this";
  if (!suspect.oldest.is_gap && bury(suspect.stream, suspect.oldest, stream.refusal + ": " + event.text))
    return;
  // A gap record is known to be good, so it is the topic; or else the disk has no room for a dead letter now.
  const Blame blame = suspect.oldest.is_gap ? Blame::kTopic : Blame::kNobody;
  (void)stream.policy.refused(blame, suspect.oldest, stream.row_limit);
  (void)pause(suspect.stream, now);
}

std::vector<HeldStream> Publisher::held_streams(BootTime now) const {
  std::vector<HeldStream> held;
  for (const Stream& stream : streams_) {
    if (stream.policy.refusals() == 0) continue;
    held.push_back({.topic = stream.topic,
                    .reason = stream.refusal,
                    .refusals = stream.policy.refusals(),
                    .next_try = std::max(now, stream.paused_until.value_or(now)),
                    .needs_help = stream.policy.is_holding()});
  }
  return held;
}

}  // namespace outrider
