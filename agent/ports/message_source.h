// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/ports/broker.h"

namespace outrider {

struct ReceivedMessage {
  WallTime received{};
  std::string topic;
  std::string payload;
  bool is_retained = false;
};

struct SubscribeRequest {
  BrokerAddress address;
  TlsOptions tls = {};  ///< For a secure address.
  MqttVersion version = MqttVersion::k5;
  std::string client_id;  ///< Empty: a random one.
  std::string username;
  std::string password;
  std::string topic_filter;
  int qos = 1;
  /// How long the broker keeps what arrives while we are away; 0: nothing is kept.
  seconds session_expiry{3600};
};

/// A consumer of messages, for `outrider verify` and later for commands. Reconnects by itself, with the same
/// session.
///
/// Threads  all methods: one thread, the caller's.
class MessageSource {
 public:
  virtual ~MessageSource() = default;

  /// Appends messages that arrived; waits at most `longest` for the first. kRetry while the broker is away.
  virtual Status receive(std::vector<ReceivedMessage>& messages, milliseconds longest) = 0;
  virtual bool is_subscribed() const = 0;
};

}  // namespace outrider
