// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "platform/linux/descriptor.h"

namespace outrider {

/// A second pair of eyes on a broker: a subscriber of our own over a plain socket (MQTT 3.1.1, QoS 0), so that no
/// library is tested by itself.
class RawSubscriber {
 public:
  struct Message {
    std::string topic;
    std::string payload;
    bool is_retained = false;
  };

  /// Subscribed when it returns. Throws std::runtime_error when the broker does not let it.
  RawSubscriber(std::uint16_t port, const std::string& filter);

  /// The next message; nullopt after `limit_ms` or when the connection ended.
  std::optional<Message> next(int limit_ms = 10'000);

 private:
  void send(const std::string& packet) const;
  std::optional<std::string> receive(std::size_t count, int limit_ms) const;
  /// First byte and body of the next packet.
  std::optional<std::string> packet(int limit_ms) const;

  Descriptor socket_;
};

}  // namespace outrider
