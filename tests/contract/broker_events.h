// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/bell.h"
#include "agent/ports/broker.h"

namespace outrider {

/// Takes a broker's events one at a time, waiting at its bell.
class BrokerEvents {
 public:
  BrokerEvents(Broker& broker, Bell& bell) : broker_(broker), bell_(bell) {}

  /// nullopt when nothing happens for `longest`.
  std::optional<BrokerEvent> next(std::chrono::nanoseconds longest = std::chrono::seconds(20)) {
    const auto until = std::chrono::steady_clock::now() + longest;
    while (true) {
      std::vector<BrokerEvent> taken;
      broker_.take_events(taken);
      waiting_.insert(waiting_.end(), taken.begin(), taken.end());
      if (!waiting_.empty()) {
        BrokerEvent event = waiting_.front();
        waiting_.pop_front();
        return event;
      }
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= left.zero()) return std::nullopt;
      bell_.wait(left);
    }
  }

  /// The next event when it is of this kind; otherwise nullopt.
  std::optional<BrokerEvent> next(BrokerEvent::Kind kind) {
    std::optional<BrokerEvent> event = next();
    return event && event->kind == kind ? event : std::nullopt;
  }

  /// Tokens of the next `count` acknowledgements; fewer when something else comes between.
  std::vector<std::uint64_t> acknowledged(std::size_t count) {
    std::vector<std::uint64_t> tokens;
    while (tokens.size() < count) {
      const auto event = next(BrokerEvent::Kind::kAcknowledged);
      if (!event) break;
      tokens.push_back(event->token);
    }
    return tokens;
  }

 private:
  Broker& broker_;
  Bell& bell_;
  std::deque<BrokerEvent> waiting_;
};

inline ConnectRequest request_to(const BrokerAddress& address, const std::string& client_id = "contract") {
  ConnectRequest request;
  request.address = address;
  request.client_id = client_id;
  return request;
}

inline Publication publication(std::uint64_t token, std::string_view payload) {
  return {.token = token, .topic = "contract/data", .payload = payload, .content_type = {}};
}

}  // namespace outrider
