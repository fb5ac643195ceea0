// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/publisher.h"

#include <algorithm>

#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "agent/publish/timeline.h"

namespace outrider {
namespace {

/// MQTT fixed header, topic length, packet id and properties beside topic and payload (MQTT 5, 3.3).
constexpr std::size_t kPacketOverhead = 64;
constexpr std::size_t kMostRowsPerMessage = 4096;

constexpr int kSessionTakenOver = 0x8E;

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

}  // namespace

Publisher::Publisher(const PublishConfig& config, std::string password, Outbox& outbox, Broker& broker,
                     std::uint64_t seed)
    : config_(config), password_(std::move(password)), outbox_(outbox), broker_(broker), random_(seed) {}

std::string Publisher::topic(std::string_view vehicle_id, std::string_view channel) const {
  std::string text = config_.topic;
  replace_all(text, "{vehicle_id}", vehicle_id);
  replace_all(text, "{channel}", channel);
  return text;
}

void Publisher::advance(BootTime now) {
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
                               .version = config_.version,
                               .client_id = config_.client_id,
                               .username = config_.username,
                               .password = password_,
                               .keep_alive = config_.keep_alive,
                               .timeout = config_.connect_timeout,
                               .max_in_flight = config_.max_in_flight,
                               .will = will_};
  if (const auto begun = broker_.connect(request); !begun) {
    trouble_ = last_error_ = begun.error().text;
    last_error_at_ = now;
    schedule_attempt(now, 0);
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
  know_new_streams();
  const bool is_drained = send_statuses(now) && send_rows(now);
  return is_drained ? Mode::kLive : Mode::kCatchingUp;
}

bool Publisher::is_link_dead(BootTime now) const {
  if (in_flight_ == 0) return false;
  if (now - last_progress_ > config_.ack_timeout) return true;
  // Acknowledgements come in the order of publishing (MQTT 5, 4.6): one that was passed over will never come.
  const auto is_passed_over = [&](const Stream& stream) {
    const auto& flights = stream.flights;
    return !flights.empty() && now - flights.front().sent > config_.ack_timeout &&
           std::any_of(flights.begin(), flights.end(), [](const Flight& f) { return f.is_acknowledged; });
  };
  return std::any_of(streams_.begin(), streams_.end(), is_passed_over);
}

/// One more message is in flight.
void Publisher::took_off(BootTime now) {
  if (in_flight_++ == 0) last_progress_ = now;
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
        on_acknowledged(event, now);
        break;
      case BrokerEvent::Kind::kRejected:
        on_rejected(event, now);
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
  rewind();
  mode_ = Mode::kCatchingUp;
}

void Publisher::on_failed(const BrokerEvent& event, BootTime now) {
  const bool was_established = event.kind == BrokerEvent::Kind::kLost;
  trouble_ = last_error_ = config_.brokers[broker_index_].text() + ": " + event.text;
  last_error_at_ = now;
  if (was_established) {
    ++counters_.losses;
    lost_at_ = now;
    // A broker that accepts and then kicks must not make a tight loop: only a stable connection clears the
    // slate.
    if (now - connected_at_ >= config_.stable_after) failures_ = 0;
  }
  rewind();
  schedule_attempt(now, event.reason_code);
  mode_ = Mode::kOffline;
  log_warning("link", (was_established ? "lost " : "cannot connect to ") + trouble_ + "; next try in " +
                          duration_text(next_attempt_ - now));
}

void Publisher::schedule_attempt(BootTime now, int reason_code) {
  ++failures_;
  broker_index_ = (broker_index_ + 1) % config_.brokers.size();
  const double random = std::uniform_real_distribution<double>(0, 1)(random_);
  milliseconds delay = backoff_delay(config_.backoff, failures_, random);
  if (reason_code == kSessionTakenOver) {
    // Two agents with one client id would kick each other out for ever; somebody has to notice.
    delay = std::max(delay, config_.backoff.cap / 2);
    log_error("link.identity", "another client connected as \"" + config_.client_id +
                                   "\"; every agent needs its own publish.client_id");
  }
  next_attempt_ = now + delay;
}

void Publisher::rewind() {
  for (Stream& stream : streams_) {
    stream.flights.clear();
    stream.next = 0;
    stream.paused_until.reset();
  }
  for (StatusTopic& status : statuses_) status.is_sent = false;
  in_flight_ = 0;
  statuses_in_flight_ = 0;
  is_broker_full_ = false;
}

void Publisher::on_acknowledged(const BrokerEvent& event, BootTime now) {
  is_broker_full_ = false;
  last_progress_ = now;
  const std::uint64_t index = event.token & kStatusStream;
  if (index == kStatusStream) return status_done();
  std::deque<Flight>& flights = streams_[index].flights;
  const auto flight =
      std::find_if(flights.begin(), flights.end(), [&](const Flight& f) { return f.token == event.token; });
  if (flight == flights.end() || flight->is_acknowledged) return;
  flight->is_acknowledged = true;
  --in_flight_;
  streams_[index].refusals = 0;
  ++counters_.messages;
  counters_.rows += flight->rows;
  counters_.payload_bytes += flight->bytes;
  pass_acknowledged(index);
}

/// Only a prefix without holes may leave the store.
void Publisher::pass_acknowledged(std::size_t index) {
  std::deque<Flight>& flights = streams_[index].flights;
  Sequence through = 0;
  while (!flights.empty() && flights.front().is_acknowledged) {
    through = flights.front().last;
    flights.pop_front();
  }
  if (through > 0) outbox_.acknowledge(static_cast<StreamIndex>(index), through);
}

void Publisher::on_rejected(const BrokerEvent& event, BootTime now) {
  is_broker_full_ = false;
  last_progress_ = now;
  const std::uint64_t index = event.token & kStatusStream;
  if (index == kStatusStream) {
    log_error("publish.status", "the broker refused a status document: " + event.text);
    return status_done();
  }
  Stream& stream = streams_[index];
  const auto refused = std::find_if(stream.flights.begin(), stream.flights.end(),
                                    [&](const Flight& f) { return f.token == event.token; });
  if (refused == stream.flights.end()) return;
  for (auto flight = refused; flight != stream.flights.end(); ++flight)
    if (!flight->is_acknowledged) --in_flight_;
  stream.next = refused->first;
  stream.flights.erase(refused, stream.flights.end());
  refuse(index, event.text, now);
}

/// Holds a stream: its next row was refused, and is tried again alone after a pause.
void Publisher::refuse(std::size_t index, std::string_view reason, BootTime now) {
  ++counters_.rejected;
  Stream& stream = streams_[index];
  const double random = std::uniform_real_distribution<double>(0.5, 1)(random_);
  const milliseconds pause = backoff_delay(config_.backoff, ++stream.refusals, random);
  stream.paused_until = now + pause;
  log_error("publish.refused", "the broker refused a message on " + stream.topic + ": " +
                                   std::string(reason) + "; its rows wait, next try in " +
                                   duration_text(pause));
}

void Publisher::know_new_streams() {
  const auto& names = outbox_.streams();
  for (std::size_t i = streams_.size(); i < names.size(); ++i)
    streams_.push_back({.topic = topic(names[i].vehicle_id, name_of(names[i].channel)),
                        .message = MessageText(names[i].vehicle_id, outbox_.epoch()),
                        .flights = {},
                        .paused_until = {}});
}

std::size_t Publisher::window() const {
  return std::min<std::size_t>(config_.max_in_flight, limits_.receive_maximum);
}

bool Publisher::has_rows_to_send(std::size_t stream, BootTime now) const {
  const Stream& candidate = streams_[stream];
  if (candidate.paused_until && now < *candidate.paused_until) return false;
  if (candidate.refusals > 0 && !candidate.flights.empty()) return false;  // alone, until it goes through
  const Backlog backlog = outbox_.backlog(static_cast<StreamIndex>(stream));
  return backlog.rows > 0 && std::max(candidate.next, backlog.oldest) <= backlog.newest;
}

bool Publisher::send_rows(BootTime now) {
  if (is_broker_full_) return false;
  for (const Channel channel : {Channel::kEvents, Channel::kTelemetry}) {
    // One message per stream and round, so that a long backlog does not starve the others.
    for (std::size_t idle = 0; idle < streams_.size();) {
      const std::size_t stream = turn_++ % streams_.size();
      if (outbox_.streams()[stream].channel != channel || !has_rows_to_send(stream, now)) {
        ++idle;
        continue;
      }
      if (in_flight_ >= window()) {
        --turn_;  // it stays this stream's turn
        return false;
      }
      idle = send_one(stream, now) ? 0 : idle + 1;
      if (is_broker_full_) return false;
    }
  }
  return true;
}

/// The next message of a stream, in `rows_` and `stream.message`; nullopt when there is none now.
std::optional<Publisher::Flight> Publisher::next_flight(std::size_t index, BootTime now) {
  Stream& stream = streams_[index];
  const auto stream_index = static_cast<StreamIndex>(index);
  const std::size_t packet_overhead =
      std::min<std::size_t>(limits_.max_packet_bytes / 2, kPacketOverhead + stream.topic.size());
  const std::size_t max_bytes =
      std::min<std::size_t>(config_.max_message, limits_.max_packet_bytes - packet_overhead);
  rows_.clear();
  const Sequence from = std::max(stream.next, outbox_.backlog(stream_index).oldest);
  if (const auto read = outbox_.read(stream_index, from, max_bytes, kMostRowsPerMessage, rows_); !read)
    log_error("store.read", read.error().text);
  if (rows_.empty()) return std::nullopt;
  stream.message.begin(format_of(rows_.front(), outbox_.streams()[index].channel));
  Flight flight{.token = next_token_ << kStreamBits | index,
                .first = rows_.front().seq,
                .last = 0,
                .rows = 0,
                .bytes = 0,
                .sent = now,
                .is_acknowledged = false};
  for (const Row& row : rows_) {
    if (!stream.message.takes(row, max_bytes)) break;
    add_to(stream.message, row);
    flight.last = row.through;
    ++flight.rows;
  }
  return flight;
}

void Publisher::add_to(MessageText& message, const Row& row) const {
  const std::vector<OffsetEntry>& offsets = outbox_.offsets();
  const RowTime time = wall_time(offsets, row.boot, row.time);
  if (row.format != RowFormat::kGap) return message.add(row, time);
  const Gap gap = parse_gap(row.payload);
  message.add_gap(row, gap, time.time, wall_time(offsets, gap.until_boot, gap.until).time);
}

RowFormat Publisher::format_of(const Row& row, Channel channel) const {
  return row.format == RowFormat::kGap ? gap_format(channel, config_.layout) : row.format;
}

bool Publisher::send_one(std::size_t index, BootTime now) {
  Stream& stream = streams_[index];
  std::optional<Flight> flight = next_flight(index, now);
  if (!flight) return false;
  const std::string_view payload = stream.message.finish();
  flight->bytes = payload.size();
  const auto sent = broker_.publish({.token = flight->token,
                                     .topic = stream.topic,
                                     .payload = payload,
                                     .content_type = "application/json"});
  if (!sent && sent.error().fault == Fault::kReject) {
    refuse(index, sent.error().text, now);
    return false;
  }
  if (!sent) {
    is_broker_full_ = in_flight_ > 0;  // else nothing would ever say that there is room again
    return false;
  }
  ++next_token_;
  took_off(now);
  stream.next = flight->last + 1;
  stream.paused_until.reset();
  stream.flights.push_back(*flight);
  return true;
}

}  // namespace outrider
