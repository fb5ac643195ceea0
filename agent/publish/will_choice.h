// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "agent/ports/broker.h"

namespace outrider {

/// Which last will travels in CONNECT: the full one, or the brief one after the broker seems to have found CONNECT too
/// large. Its Maximum Packet Size is in the answer, so nobody knows it before, and most brokers just close the connection
/// on a larger packet.
///
/// Threads  pure.
class WillChoice {
 public:
  void set(std::string topic, std::string full, std::string brief);
  const std::optional<LastWill>& will() const { return is_brief_ ? brief_ : full_; }

  void connected() { closures_ = 0; }
  /// A connection ended before it was one. Returns what a person should know of it, perhaps nothing.
  std::string refused(const BrokerEvent& event);

 private:
  std::optional<LastWill> full_;
  std::optional<LastWill> brief_;
  bool is_brief_ = false;  // for the life of the process: a broker does not grow
  int closures_ = 0;       // in a row
};

}  // namespace outrider
