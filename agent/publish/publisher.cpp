// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/publisher.h"

#include <algorithm>

#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "agent/publish/timeline.h"

namespace outrider {
namespace {

/// A token's low bits name the stream, so that an acknowledgement finds its flight without a search over all.
constexpr unsigned kStreamBits = 16;
constexpr std::uint64_t kStatusStream = (1U << kStreamBits) - 1;

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
      mode_ = connecting(now);
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
    trouble_ = begun.error().text;
    schedule_attempt(now, 0);
    return Mode::kOffline;
  }
  return Mode::kConnecting;
}

Publisher::Mode Publisher::connecting(BootTime) { return Mode::kConnecting; }  // an event ends it

Publisher::Mode Publisher::online(BootTime now) {
  if (in_flight_ > 0 && now - last_progress_ > config_.ack_timeout) {
    broker_.disconnect(false);
    on_failed({.kind = BrokerEvent::Kind::kLost,
               .text = "no acknowledgement for " + duration_text(config_.ack_timeout) +
                       ", taking the link for dead"},
              now);
    return mode_;
  }
  know_new_streams();
  const bool is_drained = send_statuses() && send_rows(now);
  return is_drained ? Mode::kLive : Mode::kCatchingUp;
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
  last_progress_ = now;
  trouble_.clear();
  rewind();
  mode_ = Mode::kCatchingUp;
}

void Publisher::on_failed(const BrokerEvent& event, BootTime now) {
  const bool was_established = event.kind == BrokerEvent::Kind::kLost;
  trouble_ = config_.brokers[broker_index_].text() + ": " + event.text;
  if (was_established) {
    ++counters_.losses;
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
  for (Status& status : statuses_) status.is_sent = false;
  in_flight_ = 0;
  statuses_in_flight_ = 0;
}

void Publisher::on_acknowledged(const BrokerEvent& event, BootTime now) {
  last_progress_ = now;
  const std::uint64_t index = event.token & kStatusStream;
  if (index == kStatusStream) {
    if (statuses_in_flight_ > 0) --statuses_in_flight_, --in_flight_;
    return;
  }
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
  // Only a prefix without holes may leave the store.
  Sequence through = 0;
  while (!flights.empty() && flights.front().is_acknowledged) {
    through = flights.front().last;
    flights.pop_front();
  }
  if (through > 0) outbox_.acknowledge(static_cast<StreamIndex>(index), through);
}

void Publisher::on_rejected(const BrokerEvent& event, BootTime now) {
  ++counters_.rejected;
  last_progress_ = now;
  const std::uint64_t index = event.token & kStatusStream;
  if (index == kStatusStream) {
    if (statuses_in_flight_ > 0) --statuses_in_flight_, --in_flight_;
    log_error("publish.status", "the broker refused a status document: " + event.text);
    return;
  }
  // Nothing may overtake the refused row, so its stream goes back to it after a pause; other streams go on.
  Stream& stream = streams_[index];
  for (const Flight& flight : stream.flights)
    if (!flight.is_acknowledged) --in_flight_;
  stream.flights.clear();
  stream.next = 0;
  const double random = std::uniform_real_distribution<double>(0.5, 1)(random_);
  const milliseconds pause = backoff_delay(config_.backoff, ++stream.refusals, random);
  stream.paused_until = now + pause;
  log_error("publish.refused", "the broker refused a message on " + stream.topic + ": " + event.text +
                                   "; nothing is lost, trying again in " + duration_text(pause));
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

bool Publisher::send_statuses() {
  for (Status& status : statuses_) {
    if (status.is_sent) continue;
    if (in_flight_ >= window()) return false;
    const Publication publication{.token = next_token_++ << kStreamBits | kStatusStream,
                                  .topic = status.topic,
                                  .payload = status.text,
                                  .is_retained = limits_.retain_available,
                                  .content_type = "application/json"};
    if (!broker_.publish(publication)) return false;
    status.is_sent = true;
    ++statuses_in_flight_;
    ++in_flight_;
  }
  return true;
}

bool Publisher::has_rows_to_send(std::size_t stream, BootTime now) const {
  const Stream& candidate = streams_[stream];
  if (candidate.paused_until && now < *candidate.paused_until) return false;
  const Backlog backlog = outbox_.backlog(static_cast<StreamIndex>(stream));
  return backlog.rows > 0 && std::max(candidate.next, backlog.oldest) <= backlog.newest;
}

bool Publisher::send_rows(BootTime now) {
  for (const Channel channel : {Channel::kEvents, Channel::kTelemetry}) {
    // One message per stream and round, so that a long backlog does not starve the others.
    for (std::size_t idle = 0; idle < streams_.size();) {
      const std::size_t stream = turn_++ % streams_.size();
      if (outbox_.streams()[stream].channel != channel || !has_rows_to_send(stream, now)) {
        ++idle;
        continue;
      }
      if (in_flight_ >= window() || !send_one(stream, now)) {
        --turn_;  // it stays this stream's turn
        return false;
      }
      idle = 0;
    }
  }
  return true;
}

bool Publisher::send_one(std::size_t index, BootTime now) {
  Stream& stream = streams_[index];
  const auto stream_index = static_cast<StreamIndex>(index);
  const std::size_t packet_limit =
      limits_.max_packet_bytes -
      std::min<std::size_t>(limits_.max_packet_bytes / 2, kPacketOverhead + stream.topic.size());
  const std::size_t max_bytes = std::min<std::size_t>(config_.max_message, packet_limit);
  rows_.clear();
  const Sequence from = std::max(stream.next, outbox_.backlog(stream_index).oldest);
  if (const auto read = outbox_.read(stream_index, from, max_bytes, kMostRowsPerMessage, rows_); !read) {
    log_error("store.read", read.error().text);
    return false;
  }
  if (rows_.empty()) return false;
  RowFormat format = rows_.front().format;
  if (format == RowFormat::kGap)
    format = outbox_.streams()[index].channel == Channel::kEvents
                 ? RowFormat::kEventJson
                 : (config_.layout == Layout::kRecords ? RowFormat::kRecordsJson : RowFormat::kColumnsJson);
  stream.message.begin(format);
  Flight flight{.token = next_token_ << kStreamBits | index,
                .last = 0,
                .rows = 0,
                .bytes = 0,
                .is_acknowledged = false};
  for (const Row& row : rows_) {
    if (!stream.message.takes(row, max_bytes)) break;
    stream.message.add(row, wall_time(outbox_.offsets(), row.boot, row.time));
    flight.last = row.through;
    ++flight.rows;
  }
  const std::string_view payload = stream.message.finish();
  flight.bytes = payload.size();
  if (!broker_.publish({.token = flight.token,
                        .topic = stream.topic,
                        .payload = payload,
                        .content_type = "application/json"}))
    return false;
  if (in_flight_ == 0) last_progress_ = now;
  ++next_token_;
  ++in_flight_;
  stream.next = flight.last + 1;
  stream.paused_until.reset();
  stream.flights.push_back(flight);
  return true;
}

void Publisher::set_status(std::string_view vehicle_id, std::string text) {
  const auto found = std::find_if(statuses_.begin(), statuses_.end(),
                                  [&](const Status& status) { return status.vehicle_id == vehicle_id; });
  if (found == statuses_.end()) {
    statuses_.push_back({.vehicle_id = std::string(vehicle_id),
                         .topic = topic(vehicle_id, "status"),
                         .text = std::move(text)});
  } else {
    found->text = std::move(text);
    found->is_sent = false;
  }
}

void Publisher::set_will(std::string_view vehicle_id, std::string text) {
  will_ = LastWill{.topic = topic(vehicle_id, "status"), .payload = std::move(text)};
}

void Publisher::say_goodbye(std::string text) {
  if (will_ && (mode_ == Mode::kLive || mode_ == Mode::kCatchingUp))
    (void)broker_.publish({.token = kStatusStream,
                           .topic = will_->topic,
                           .payload = text,
                           .is_retained = limits_.retain_available,
                           .content_type = "application/json"});
  broker_.disconnect(true);
  mode_ = Mode::kOffline;
}

std::string Publisher::link_text(BootTime now) const {
  switch (mode_) {
    case Mode::kConnecting:
      return "connecting to " + config_.brokers[broker_index_].text();
    case Mode::kCatchingUp:
      return "catching up";
    case Mode::kLive:
      return "live";
    case Mode::kOffline:
      break;
  }
  if (trouble_.empty()) return "offline";
  return "offline: " + trouble_ + ", next try in " +
         duration_text(next_attempt_ > now ? next_attempt_ - now : nanoseconds(0));
}

}  // namespace outrider
