// SPDX-License-Identifier: Apache-2.0
// The broker dies again and again while messages flow: nothing may hang, crash or overtake.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <string>

#include "agent/base/bell.h"
#include "platform/paho/paho_broker.h"
#include "tests/contract/broker_events.h"
#include "tests/support/mosquitto.h"

namespace outrider {
namespace {

using Kind = BrokerEvent::Kind;

constexpr std::size_t kWindow = 64;  // or what the broker receives at a time

/// Publishes numbered messages with a full window, and again from the oldest unacknowledged after a loss.
class Sender {
 public:
  explicit Sender(std::size_t payload_bytes) : payload_(payload_bytes, 'x') {}

  bool connect(const ConnectRequest& request) {
    window_.clear();
    if (!broker_.connect(request)) return false;
    const auto connected = events_.next(Kind::kConnected);
    if (connected) limit_ = std::min<std::size_t>(kWindow, connected->limits.receive_maximum);
    return connected.has_value();
  }

  /// False when the connection ends or does nothing for long.
  bool send_until_acknowledged(std::uint64_t until) {
    while (oldest_ <= until) {
      fill_window();
      const auto event = events_.next();
      if (!event || event->kind != Kind::kAcknowledged) return false;
      is_in_order_ = is_in_order_ && event->token == oldest_;
      ++oldest_;
      window_.pop_front();
    }
    return true;
  }

  bool sends_until_lost() {
    while (true) {
      fill_window();
      const auto event = events_.next();
      if (!event) return false;
      if (event->kind == Kind::kLost) return true;
      if (event->kind != Kind::kAcknowledged) return false;
      is_in_order_ = is_in_order_ && event->token == oldest_;
      ++oldest_;
      window_.pop_front();
    }
  }

  std::uint64_t oldest() const { return oldest_; }
  bool is_in_order() const { return is_in_order_; }

 private:
  void fill_window() {
    while (window_.size() < limit_) {
      const std::uint64_t token = oldest_ + window_.size();
      if (!broker_.publish(publication(token, payload_))) return;
      window_.push_back(token);
    }
  }

  const std::string payload_;
  Bell bell_;
  PahoBroker broker_{bell_};
  BrokerEvents events_{broker_, bell_};
  std::deque<std::uint64_t> window_;
  std::size_t limit_ = 0;
  std::uint64_t oldest_ = 1;
  bool is_in_order_ = true;
};

void kill_under_load(int rounds, std::size_t payload_bytes) {
  Mosquitto mosquitto("max_inflight_messages 100\n");
  Sender sender(payload_bytes);
  std::mt19937 random(7);
  for (int round = 0; round < rounds; ++round) {
    REQUIRE(sender.connect(request_to(mosquitto.address())));
    REQUIRE(sender.send_until_acknowledged(sender.oldest() + random() % 400));
    mosquitto.kill();
    REQUIRE(sender.sends_until_lost());
    mosquitto.start();
  }
  CHECK(sender.is_in_order());
}

TEST_CASE("paho broker: survives 50 kills of the broker under load, acknowledgements stay in order") {
  if (!Mosquitto::is_installed()) {
    MESSAGE("SKIPPED: mosquitto is not installed");
    return;
  }
  kill_under_load(35, 200);
  kill_under_load(15, 40'000);
}

TEST_CASE("paho broker: survives stalls with a full window that end by the keep-alive") {
  if (!Mosquitto::is_installed()) {
    MESSAGE("SKIPPED: mosquitto is not installed");
    return;
  }
  Mosquitto mosquitto;
  Sender sender(40'000);
  ConnectRequest request = request_to(mosquitto.address());
  request.keep_alive = seconds(1);
  for (int round = 0; round < 3; ++round) {
    REQUIRE(sender.connect(request));
    REQUIRE(sender.send_until_acknowledged(sender.oldest() + 50));
    mosquitto.pause();
    REQUIRE(sender.sends_until_lost());
    mosquitto.resume();
  }
  CHECK(sender.is_in_order());
}

}  // namespace
}  // namespace outrider
