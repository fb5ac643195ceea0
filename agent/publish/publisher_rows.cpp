// SPDX-License-Identifier: Apache-2.0
// Rows on their way out: whose turn it is, how much fits, what is in flight.
#include <algorithm>

#include "agent/base/log.h"
#include "agent/publish/publisher.h"

namespace outrider {
namespace {

/// MQTT fixed header, topic length, packet id and properties beside topic and payload (MQTT 5, 3.3).
constexpr std::size_t kPacketOverhead = 64;

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

}  // namespace

std::string Publisher::topic(std::string_view vehicle_id, std::string_view channel) const {
  std::string text = config_.topic;
  replace_all(text, "{vehicle_id}", vehicle_id);
  replace_all(text, "{channel}", channel);
  return text;
}

void Publisher::know_new_streams() {
  const auto& names = outbox_.streams();
  for (std::size_t i = streams_.size(); i < names.size(); ++i)
    streams_.push_back({.topic = topic(names[i].vehicle_id, name_of(names[i].channel)),
                        .message = MessageText(names[i].vehicle_id, outbox_.epoch())});
}

std::size_t Publisher::window() const {
  const std::size_t agreed = std::min<std::size_t>(config_.max_in_flight, limits_.receive_maximum);
  return std::min(agreed, poison_.window());
}

bool Publisher::may_send(BootTime now) {
  if (is_full_ || in_flight() >= window()) return false;
  is_throttled_ = !pace_.allows_message(now);
  return !is_throttled_;
}

/// One more message is in flight.
void Publisher::took_off(BootTime now, const Publication& publication) {
  if (in_flight() == 1) last_progress_ = now;
  pace_.sent(now, publication.topic.size() + publication.payload.size());
}

bool Publisher::has_rows_to_send(StreamIndex index, BootTime now) const {
  const Stream& stream = streams_[index];
  if (stream.paused_until && now < *stream.paused_until) return false;
  if (stream.policy.refusals() > 0 && !flights_.empty(index)) return false;  // alone, until it goes through
  const Backlog backlog = outbox_.backlog(index);
  return backlog.rows > 0 && std::max(stream.next, backlog.oldest) <= backlog.newest;
}

/// Events before telemetry; streams that were refused behind all others, for some brokers close the connection on what
/// they refuse.
bool Publisher::send_rows(BootTime now) {
  for (const bool is_refused : {false, true})
    for (const Channel channel : {Channel::kEvents, Channel::kTelemetry})
      if (!send_rows_of(channel, is_refused, now)) return false;
  return true;
}

/// One message per stream and round, so that a long backlog does not starve the others.
bool Publisher::send_rows_of(Channel channel, bool is_refused, BootTime now) {
  for (std::size_t idle = 0; idle < streams_.size();) {
    const auto stream = static_cast<StreamIndex>(turn_++ % streams_.size());
    const bool is_meant = outbox_.streams()[stream].channel == channel &&
                          (streams_[stream].policy.refusals() > 0) == is_refused;
    if (!is_meant || !has_rows_to_send(stream, now)) {
      ++idle;
      continue;
    }
    if (!may_send(now)) {
      --turn_;  // it stays this stream's turn
      return false;
    }
    idle = send_one(stream, now) ? 0 : idle + 1;
    if (is_full_) return false;
  }
  return true;
}

/// Bytes that the stream's next message may have; 0 when it has to wait for an acknowledgement.
std::size_t Publisher::message_limit(const Stream& stream) const {
  const std::size_t overhead =
      std::min<std::size_t>(limits_.max_packet_bytes / 2, kPacketOverhead + stream.topic.size());
  const std::size_t most = std::min<std::size_t>(config_.max_message, limits_.max_packet_bytes - overhead);
  const std::uint64_t in_flight_bytes = flights_.waiting_bytes();
  if (in_flight_bytes == 0) return most;
  const std::uint64_t room = max_in_flight_bytes_ - std::min(max_in_flight_bytes_, in_flight_bytes);
  // Not in slivers: what an acknowledgement frees is soon enough for a message of some size.
  if (room < std::min<std::uint64_t>(most, max_in_flight_bytes_ / 8)) return 0;
  return std::min<std::uint64_t>(most, room);
}

bool Publisher::send_one(StreamIndex index, BootTime now) {
  Stream& stream = streams_[index];
  const std::size_t limit = message_limit(stream);
  const Sequence from = std::max(stream.next, outbox_.backlog(index).oldest);
  const auto packed =
      limit == 0
          ? std::nullopt
          : packer_.pack(index, from, {.bytes = limit, .rows = stream.row_limit.value()}, stream.message);
  const bool is_too_much = packed && flights_.waiting() > 0 &&
                           flights_.waiting_bytes() + packed->payload.size() > max_in_flight_bytes_;
  if (limit == 0 || is_too_much) is_full_ = true;
  if (is_full_ || !packed) return false;
  const Publication publication{.token = next_token_ << kStreamBits | index,
                                .topic = stream.topic,
                                .payload = packed->payload,
                                .content_type = "application/json"};
  if (const auto sent = broker_.publish(publication); !sent) {
    if (sent.error().fault == Fault::kReject)
      refused(index, packed->range, Blame::kMessage, sent.error().text, now);
    else
      is_full_ = in_flight() > 0;  // else nothing would ever say that there is room again
    return false;
  }
  ++next_token_;
  outbox_.note_sent(index, packed->range.last);
  flights_.push(
      index,
      {.token = publication.token, .range = packed->range, .bytes = publication.payload.size(), .sent = now});
  took_off(now, publication);
  stream.next = packed->range.last + 1;
  stream.paused_until.reset();
  return true;
}

}  // namespace outrider
