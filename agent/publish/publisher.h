// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "agent/ports/broker.h"
#include "agent/publish/attempts.h"
#include "agent/publish/flights.h"
#include "agent/publish/pace.h"
#include "agent/publish/packer.h"
#include "agent/publish/poison_watch.h"
#include "agent/publish/publisher_figures.h"
#include "agent/publish/publisher_options.h"
#include "agent/publish/refusal.h"
#include "agent/publish/status_topics.h"
#include "agent/publish/twin_watch.h"
#include "agent/publish/will_choice.h"
#include "agent/store/outbox.h"

namespace outrider {

/// Drains the outbox to the broker: in order within a stream, again after every loss of the link, as fast as the broker
/// and the configured rates allow.
///
/// Life cycle  `advance` once a turn of the loop, for ever; `say_goodbye` once at the end.
/// Modes       offline → connecting → catching up → live; `offline` and `online` return the next one, and while
///             connecting an event of the broker does.
/// Order       rows of one stream go out strictly by number. After a reconnect everything that was not acknowledged goes
///             out again, from the oldest on. Streams take turns, one message each; events go before telemetry. A refused
///             message holds its stream: what was in flight behind it may have arrived before, nothing else overtakes it,
///             and its rows go on one message at a time.
/// Refusals    see RefusalPolicy, and PoisonWatch for brokers that end the connection instead. Only what is proved to be
///             undeliverable is buried, a row at a time.
/// Bound       at most min(max_in_flight, the broker's Receive Maximum) messages and max_in_flight_bytes of payload, but
///             always one message, are unacknowledged.
/// Errors      none come out: the broker's are absorbed by backing off; `link_text` says what is the matter.
/// Threads     the loop only.
class Publisher {
 public:
  enum class Mode : std::uint8_t { kOffline, kConnecting, kCatchingUp, kLive };

  Publisher(PublisherOptions options, Outbox& outbox, Broker& broker);

  /// One step: takes the broker's events, connects or backs off, sends what fits the window.
  void advance(BootTime now);

  /// The retained document for a vehicle; published on every connect and whenever it changes.
  void set_status(std::string_view vehicle_id, std::string text);
  /// What the broker says of `vehicle_id` when we vanish.
  void set_will(std::string_view vehicle_id, std::string text, std::string brief_text);
  /// Replaces the status of the will's vehicle by `text`, and leaves the broker politely.
  void say_goodbye(std::string_view text);
  /// Takes a new connection when nothing is in flight, at most publish.ack_timeout later. Sends nothing meanwhile.
  void renew_connection() { wants_renewal_ = mode_ != Mode::kOffline; }

  Mode mode() const { return mode_; }
  /// "live", "catching up", "connecting to host:port", "offline: connection refused, next try in 3.2 s".
  std::string link_text(BootTime now) const;
  LinkState link() const;
  const PublisherCounters& counters() const { return counters_; }
  std::size_t in_flight() const { return flights_.waiting() + statuses_.in_flight(); }
  std::vector<HeldStream> held_streams(BootTime now) const;
  const std::optional<PublishTrouble>& last_trouble() const { return last_trouble_; }
  /// Something waits for the configured rate.
  bool is_throttled() const { return is_throttled_; }
  /// A row is suspected of ending the connection: one message at a time goes out.
  bool is_careful() const { return poison_.is_careful(); }

  std::string topic(std::string_view vehicle_id, std::string_view channel) const;

 private:
  /// A token's low bits name the stream, so that an acknowledgement finds its flight without a search over all.
  static constexpr unsigned kStreamBits = 16;
  static constexpr std::uint64_t kStatusStream = (1U << kStreamBits) - 1;
  struct Stream {
    std::string topic;
    MessageText message;
    Sequence next = 0;  // first row not sent in this connection
    RowLimit row_limit = {};
    RefusalPolicy policy = {};
    std::string refusal = {};
    std::optional<BootTime> paused_until = {};
  };

  Mode offline(BootTime now);
  Mode online(BootTime now);  // catching up and live
  Mode renew(BootTime now);
  void take_events(BootTime now);
  void on_connected(const BrokerEvent& event, BootTime now);
  void on_failed(const BrokerEvent& event, BootTime now);
  void on_answer(const BrokerEvent& event, BootTime now);
  void on_acknowledged(StreamIndex stream, std::uint64_t token);
  void on_rejected(StreamIndex stream, const BrokerEvent& event, BootTime now);
  void rewind();
  bool is_link_dead(BootTime now) const;
  double random() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  bool may_send(BootTime now);
  void took_off(BootTime now, const Publication& publication);
  bool send_statuses(BootTime now);
  bool send_rows(BootTime now);
  bool send_rows_of(Channel channel, bool is_refused, BootTime now);
  bool send_one(StreamIndex stream, BootTime now);
  bool has_rows_to_send(StreamIndex stream, BootTime now) const;
  std::size_t message_limit(const Stream& stream) const;
  std::size_t window() const;
  void know_new_streams();
  void refused(StreamIndex stream, const RowRange& range, Blame blame, std::string_view reason, BootTime now);
  bool bury(StreamIndex stream, const RowRange& range, std::string_view reason);
  nanoseconds pause(StreamIndex stream, BootTime now);
  void judge_loss(const BrokerEvent& event, BootTime now);
  const PublishConfig config_;
  const std::string password_;
  const std::uint64_t max_in_flight_bytes_;
  Outbox& outbox_;
  Broker& broker_;
  std::mt19937_64 random_;  // of the pauses

  Mode mode_ = Mode::kOffline;
  Attempts attempts_;
  bool wants_renewal_ = false;
  std::optional<BootTime> lost_at_;
  BrokerLimits limits_;
  std::string trouble_;  // why we are offline
  std::vector<Stream> streams_;
  std::size_t turn_ = 0;  // whose turn it is
  Flights flights_;
  StatusTopics statuses_;
  WillChoice will_;
  std::uint64_t next_token_ = 1;
  BootTime last_progress_{};  // last answer, or the first message after none was in flight
  bool is_full_ = false;      // no room for the next message; only an answer changes that
  Packer packer_;
  Pace pace_;
  PoisonWatch poison_;
  TwinWatch twins_;
  bool is_throttled_ = false;
  BootTime last_turn_{};
  PublisherCounters counters_;
  std::optional<PublishTrouble> last_trouble_;
  std::vector<BrokerEvent> events_;  // scratch
};

}  // namespace outrider
