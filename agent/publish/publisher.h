// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "agent/config/config.h"
#include "agent/ports/broker.h"
#include "agent/publish/link_state.h"
#include "agent/publish/row_text.h"
#include "agent/store/outbox.h"

namespace outrider {

/// Drains the outbox to the broker: in order within a stream, again after every loss of the link, as fast as
/// the broker allows.
///
/// Life cycle  `advance` once a turn of the loop, for ever; `say_goodbye` once at the end.
/// Modes       offline → connecting → catching up → live; `offline` and `online` return the next one, and while
///             connecting an event of the broker does.
/// Order       rows of one stream go out strictly by number. After a reconnect everything that was not
///             acknowledged goes out again, from the oldest on. Streams take turns, one message each; events
///             go before telemetry. A message the broker refuses holds its stream: what was in flight behind it may
///             have arrived before, nothing else overtakes it, and it is tried again alone, at growing pauses.
/// Bound       at most min(max_in_flight, the broker's Receive Maximum) messages are unacknowledged.
/// Errors      none come out: the broker's are absorbed by backing off; `link_text` says what is the matter.
/// Threads     the loop only.
class Publisher {
 public:
  enum class Mode : std::uint8_t { kOffline, kConnecting, kCatchingUp, kLive };

  Publisher(const PublishConfig& config, std::string password, Outbox& outbox, Broker& broker,
            std::uint64_t seed);

  /// One step: takes the broker's events, connects or backs off, sends what fits the window.
  void advance(BootTime now);

  /// The retained document for a vehicle; published on every connect and whenever it changes.
  void set_status(std::string_view vehicle_id, std::string text);
  /// What the broker says of `vehicle_id` when we vanish.
  void set_will(std::string_view vehicle_id, std::string text);

  /// Replaces the status of the will's vehicle by `text`, and leaves the broker politely.
  void say_goodbye(std::string_view text);

  Mode mode() const { return mode_; }
  /// "live", "catching up", "connecting to host:port", "offline: connection refused, next try in 3.2 s".
  std::string link_text(BootTime now) const;
  LinkState link() const;
  const PublisherCounters& counters() const { return counters_; }
  std::size_t in_flight() const { return in_flight_; }

  std::string topic(std::string_view vehicle_id, std::string_view channel) const;

 private:
  /// A token's low bits name the stream, so that an acknowledgement finds its flight without a search over all.
  static constexpr unsigned kStreamBits = 16;
  static constexpr std::uint64_t kStatusStream = (1U << kStreamBits) - 1;

  struct Flight {
    std::uint64_t token;
    Sequence first;
    Sequence last;
    std::uint32_t rows;
    std::size_t bytes;
    BootTime sent;
    bool is_acknowledged;
  };
  struct Stream {
    std::string topic;
    MessageText message;
    Sequence next = 0;  // first row not sent in this connection
    std::deque<Flight> flights;
    std::uint32_t refusals = 0;  // in a row
    std::optional<BootTime> paused_until;
  };
  struct StatusTopic {
    std::string vehicle_id;
    std::string topic;
    std::string text;
    bool is_sent = false;
  };

  Mode offline(BootTime now);
  Mode online(BootTime now);  // catching up and live

  void take_events(BootTime now);
  void on_connected(const BrokerEvent& event, BootTime now);
  void on_failed(const BrokerEvent& event, BootTime now);
  void on_acknowledged(const BrokerEvent& event, BootTime now);
  void status_done();
  void on_rejected(const BrokerEvent& event, BootTime now);
  void schedule_attempt(BootTime now, int reason_code);

  void know_new_streams();
  void rewind();
  void took_off(BootTime now);
  void refuse(std::size_t stream, std::string_view reason, BootTime now);
  void pass_acknowledged(std::size_t stream);
  bool is_link_dead(BootTime now) const;
  bool send_statuses(BootTime now);
  bool send_rows(BootTime now);
  bool send_one(std::size_t stream, BootTime now);
  std::optional<Flight> next_flight(std::size_t stream, BootTime now);
  void add_to(MessageText& message, const Row& row) const;
  RowFormat format_of(const Row& row, Channel channel) const;
  bool has_rows_to_send(std::size_t stream, BootTime now) const;
  std::size_t window() const;

  const PublishConfig config_;
  const std::string password_;
  Outbox& outbox_;
  Broker& broker_;
  std::mt19937_64 random_;

  Mode mode_ = Mode::kOffline;
  std::size_t broker_index_ = 0;
  std::uint32_t failures_ = 0;  // attempts and short connections since the last stable one
  BootTime next_attempt_{};
  BootTime connected_at_{};
  std::optional<BootTime> lost_at_;  // the connection before this one, or this one
  std::string last_error_;
  std::optional<BootTime> last_error_at_;
  BrokerLimits limits_;
  std::string trouble_;  // why we are offline

  std::vector<Stream> streams_;
  std::size_t turn_ = 0;  // whose turn it is
  std::vector<StatusTopic> statuses_;
  std::optional<LastWill> will_;
  std::uint64_t next_token_ = 1;
  std::size_t in_flight_ = 0;
  BootTime last_progress_{};  // last acknowledgement, or the first message after none was in flight
  std::size_t statuses_in_flight_ = 0;
  bool is_broker_full_ = false;  // the last publish said kRetry; only an acknowledgement changes that
  PublisherCounters counters_;
  std::vector<BrokerEvent> events_;  // scratch
  std::vector<Row> rows_;            // scratch
};

}  // namespace outrider
