// SPDX-License-Identifier: Apache-2.0
// The link: connecting, backing off, what the broker says.
#include "agent/publish/publisher.h"

#include <algorithm>

#include "agent/base/log.h"
#include "agent/base/quantity.h"

namespace outrider {

Publisher::Publisher(PublisherOptions options, Outbox& outbox, Broker& broker)
    : config_(std::move(options.config)),
      password_(std::move(options.password)),
      max_in_flight_bytes_(options.max_in_flight_bytes),
      outbox_(outbox),
      broker_(broker),
      random_(options.seed),
      attempts_(config_),
      packer_(outbox, config_.layout),
      pace_(config_) {}

void Publisher::advance(BootTime now) {
  if (is_throttled_) counters_.throttled += now - last_turn_;
  is_throttled_ = false;
  last_turn_ = now;
  take_events(now);
  switch (mode_) {
    case Mode::kOffline:
      mode_ = offline(now);
      break;
    case Mode::kConnecting:
      break;
    case Mode::kCatchingUp:
    case Mode::kLive:
      mode_ = online(now);
      break;
  }
}

Publisher::Mode Publisher::offline(BootTime now) {
  if (now < attempts_.next()) return Mode::kOffline;
  if (const auto begun = broker_.connect(attempts_.request(password_, will_.will())); !begun) {
    trouble_ = begun.error().text;
    last_trouble_ = PublishTrouble{trouble_, now};
    attempts_.failed({}, now, random());
    return Mode::kOffline;
  }
  return Mode::kConnecting;
}

Publisher::Mode Publisher::online(BootTime now) {
  if (is_link_dead(now)) {
    broker_.disconnect(false);
    on_failed({.kind = BrokerEvent::Kind::kLost,
               .text = "no acknowledgement for " + duration_text(config_.ack_timeout) +
                       ", taking the link for dead"},
              now);
    return mode_;
  }
  if (wants_renewal_) return renew(now);
  know_new_streams();
  const bool is_drained = send_statuses(now) && send_rows(now);
  return is_drained ? Mode::kLive : Mode::kCatchingUp;
}

/// A planned end: no last will, no repeats, no pause.
Publisher::Mode Publisher::renew(BootTime now) {
  if (in_flight() > 0) return mode_;
  log_info("link", "leaving " + attempts_.broker().text() + " to come back with what is new");
  wants_renewal_ = false;
  broker_.disconnect(true);
  rewind();
  lost_at_ = now;
  attempts_.left(now);
  return Mode::kOffline;
}

bool Publisher::is_link_dead(BootTime now) const {
  if (in_flight() == 0) return false;
  return now - last_progress_ > config_.ack_timeout || flights_.has_passed_over(now - config_.ack_timeout);
}

void Publisher::take_events(BootTime now) {
  events_.clear();
  broker_.take_events(events_);
  for (const BrokerEvent& event : events_) {
    switch (event.kind) {
      case BrokerEvent::Kind::kConnected:
        on_connected(event, now);
        break;
      case BrokerEvent::Kind::kRefused:
      case BrokerEvent::Kind::kLost:
        on_failed(event, now);
        break;
      case BrokerEvent::Kind::kAcknowledged:
      case BrokerEvent::Kind::kRejected:
        on_answer(event, now);
        break;
    }
  }
}

void Publisher::on_connected(const BrokerEvent& event, BootTime now) {
  if (const auto refusal = attempts_.connected(event.limits, now)) {
    broker_.disconnect(true);
    return on_failed(*refusal, now);
  }
  log_info("link", "connected to " + attempts_.broker().text());
  ++counters_.connects;
  limits_ = event.limits;
  trouble_.clear();
  poison_.connected();
  will_.connected();
  mode_ = Mode::kCatchingUp;
}

void Publisher::on_failed(const BrokerEvent& event, BootTime now) {
  const bool was_established = event.kind == BrokerEvent::Kind::kLost;
  trouble_ = attempts_.broker().text() + ": " + event.text;
  if (!was_established) trouble_ += will_.refused(event);
  if (was_established) {
    ++counters_.losses;
    if (twins_.lost(event.closed_by_peer && event.reason_code == 0, now - attempts_.connected_at()))
      trouble_ += ", as it did before; is another client connected as \"" + config_.client_id + "\"?";
    lost_at_ = now;
    judge_loss(event, now);
  }
  last_trouble_ = PublishTrouble{trouble_, now};
  rewind();
  wants_renewal_ = false;
  ++counters_.faults[static_cast<std::size_t>(event.fault)];
  attempts_.failed(event, now, random());
  mode_ = Mode::kOffline;
  if (is_takeover(event)) {
    ++counters_.takeovers;
    log_error("link.identity", "another client connected as \"" + config_.client_id +
                                   "\"; every agent needs its own publish.client_id");
  }
  log(needs_help(event) ? LogLevel::kError : LogLevel::kWarning, "link",
      (was_established ? "lost " : "cannot connect to ") + trouble_ + "; next try in " +
          duration_text(attempts_.next() - now));
}

/// Everything that is not acknowledged goes out again, on the next connection. Pauses of streams stay.
void Publisher::rewind() {
  (void)flights_.take_back_all();
  statuses_.rewind();
  for (Stream& stream : streams_) stream.next = 0;
  is_full_ = false;
}

void Publisher::on_answer(const BrokerEvent& event, BootTime now) {
  is_full_ = false;
  last_progress_ = now;
  poison_.answered();
  const bool is_refused = event.kind == BrokerEvent::Kind::kRejected;
  const auto stream = static_cast<StreamIndex>(event.token & kStatusStream);
  if (stream == kStatusStream) {
    if (statuses_.take_answer(event.token) && is_refused)
      log_error("publish.status", "the broker refused a status document: " + event.text);
  } else if (is_refused) {
    on_rejected(stream, event, now);
  } else {
    on_acknowledged(stream, event.token);
  }
}

void Publisher::on_acknowledged(StreamIndex index, std::uint64_t token) {
  const std::optional<Flight> flight = flights_.acknowledge(index, token);
  if (!flight) return;
  ++counters_.messages;
  counters_.rows += flight->range.rows;
  counters_.payload_bytes += flight->bytes;
  Stream& stream = streams_[index];
  stream.policy.accepted();
  stream.row_limit.accepted(flight->range.last);
  poison_.accepted(index, flight->range.last);
  if (const Sequence through = flights_.pass_acknowledged(index); through > 0)
    outbox_.acknowledge(index, through);
}

}  // namespace outrider
