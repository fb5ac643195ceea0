// SPDX-License-Identifier: Apache-2.0
// The link: connecting, backing off, what the broker says.
#include "agent/publish/publisher.h"

#include <algorithm>

#include "agent/base/log.h"
#include "agent/base/quantity.h"

namespace outrider {
namespace {

constexpr int kSessionTakenOver = 0x8E;  // MQTT 5.0, 3.14.2.1
/// How soon the clock is looked at again while it is not set. Nothing but the time is waited for.
constexpr milliseconds kTimeRetry{2000};

/// Somebody has to mend a file or a broker first, and each attempt costs a handshake of kilobytes.
bool needs_help(LinkFault fault) {
  return fault == LinkFault::kServerCertificate || fault == LinkFault::kOwnCertificate;
}

}  // namespace

Publisher::Publisher(PublisherOptions options, Outbox& outbox, Broker& broker)
    : config_(std::move(options.config)),
      password_(std::move(options.password)),
      max_in_flight_bytes_(options.max_in_flight_bytes),
      outbox_(outbox),
      broker_(broker),
      random_(options.seed),
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
  if (now < next_attempt_) return Mode::kOffline;
  const BrokerAddress& address = config_.brokers[broker_index_];
  const ConnectRequest request{.address = address,
                               .tls = config_.tls,
                               .version = config_.version,
                               .client_id = config_.client_id,
                               .username = config_.username,
                               .password = password_,
                               .keep_alive = config_.keep_alive,
                               .timeout = config_.connect_timeout,
                               .max_in_flight = config_.max_in_flight,
                               .will = will_.will()};
  if (const auto begun = broker_.connect(request); !begun) {
    trouble_ = begun.error().text;
    last_trouble_ = PublishTrouble{trouble_, now};
    schedule_attempt(now, {});
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
  log_info("link", "leaving " + config_.brokers[broker_index_].text() + " to come back with what is new");
  wants_renewal_ = false;
  broker_.disconnect(true);
  rewind();
  lost_at_ = now;
  next_attempt_ = now;
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
  log_info("link", "connected to " + config_.brokers[broker_index_].text());
  ++counters_.connects;
  limits_ = event.limits;
  connected_at_ = now;
  trouble_.clear();
  poison_.connected();
  will_.connected();
  mode_ = Mode::kCatchingUp;
}

void Publisher::on_failed(const BrokerEvent& event, BootTime now) {
  const bool was_established = event.kind == BrokerEvent::Kind::kLost;
  trouble_ = config_.brokers[broker_index_].text() + ": " + event.text;
  if (!was_established) trouble_ += will_.refused(event);
  if (was_established) {
    ++counters_.losses;
    if (twins_.lost(event.closed_by_peer && event.reason_code == 0, now - connected_at_))
      trouble_ += ", as it did before; is another client connected as \"" + config_.client_id + "\"?";
    lost_at_ = now;
    // A broker that accepts and then kicks must not make a tight loop: only a stable connection clears the
    // slate.
    if (now - connected_at_ >= config_.stable_after) failures_ = 0;
    judge_loss(event, now);
  }
  last_trouble_ = PublishTrouble{trouble_, now};
  rewind();
  wants_renewal_ = false;
  ++counters_.faults[static_cast<std::size_t>(event.fault)];
  schedule_attempt(now, event);
  mode_ = Mode::kOffline;
  log(needs_help(event.fault) ? LogLevel::kError : LogLevel::kWarning, "link",
      (was_established ? "lost " : "cannot connect to ") + trouble_ + "; next try in " +
          duration_text(next_attempt_ - now));
}

void Publisher::schedule_attempt(BootTime now, const BrokerEvent& event) {
  if (event.fault == LinkFault::kTime) {
    next_attempt_ = now + kTimeRetry;
    return;
  }
  ++failures_;
  broker_index_ = (broker_index_ + 1) % config_.brokers.size();
  const double random = std::uniform_real_distribution<double>(0, 1)(random_);
  milliseconds delay = backoff_delay(config_.backoff, failures_, random);
  const milliseconds long_delay =
      config_.backoff.cap / 2 + std::chrono::duration_cast<milliseconds>(config_.backoff.cap / 2 * random);
  // Only when there is no other broker to try.
  if (needs_help(event.fault) && config_.brokers.size() == 1) delay = long_delay;
  if (event.reason_code == kSessionTakenOver) {
    // Two agents with one client id would kick each other out for ever; somebody has to notice.
    ++counters_.takeovers;
    delay = long_delay;
    log_error("link.identity", "another client connected as \"" + config_.client_id +
                                   "\"; every agent needs its own publish.client_id");
  }
  next_attempt_ = now + delay;
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
