// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/ports/tls_options.h"

namespace outrider {

enum class MqttVersion : std::uint8_t { k311 = 4, k5 = 5 };

struct BrokerAddress {
  std::string host;
  std::uint16_t port = 1883;
  bool is_secure = false;  ///< mqtts://

  std::string text() const {
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  }
};

/// What kind of failure kept a connection from coming about, or ended it. Each is counted, and each has its own answer to
/// the question when to try again.
enum class LinkFault : std::uint8_t {
  kNetwork,    ///< Refused, unreachable, silent, broken, closed.
  kName,       ///< The broker's name was not resolved.
  kMqtt,       ///< The broker said no, in MQTT.
  kHandshake,  ///< TLS did not come about: no common version or cipher, not TLS at all, given up half-way.
  kServerCertificate,  ///< We do not trust the broker: wrong CA or name, expired, revoked.
  kOwnCertificate,     ///< The broker does not trust us, or our own files are bad.
  kTime,               ///< Our clock is not set yet, so that no certificate can be judged.
};
inline constexpr std::size_t kLinkFaults = 7;
/// In the order of LinkFault; what `outrider status` calls them.
inline constexpr const char* kLinkFaultNames[kLinkFaults] = {
    "network", "name", "mqtt", "handshake", "server_certificate", "own_certificate", "time"};

struct LastWill {
  std::string topic;
  std::string payload;
};

struct ConnectRequest {
  BrokerAddress address;
  TlsOptions tls;  ///< For a secure address.
  MqttVersion version = MqttVersion::k5;
  std::string client_id;
  std::string username;  ///< Empty: none is sent.
  std::string password;
  seconds keep_alive{30};
  milliseconds timeout{20'000};      ///< Dial plus CONNACK.
  std::uint32_t max_in_flight = 64;  ///< What we ask the library for; CONNACK may lower it.
  std::optional<LastWill> will;      ///< QoS 1, retained.
};

/// What the broker said in CONNACK; absent on 3.1.1, where these defaults stand.
struct BrokerLimits {
  std::uint32_t receive_maximum = 65535;         ///< QoS 1 publishes in flight.
  std::uint32_t max_packet_bytes = 268'435'455;  ///< Whole MQTT packet.
  std::uint8_t max_qos = 2;
  bool retain_available = true;
  std::optional<seconds> server_keep_alive;
};

struct Publication {
  std::uint64_t token = 0;  ///< Ours; comes back in the event. 0 for QoS 0.
  std::string_view topic;
  std::string_view payload;
  int qos = 1;  ///< 0 or 1.
  bool is_retained = false;
  std::string_view content_type;  ///< MQTT 5 property; empty: none.
};

struct BrokerEvent {
  enum class Kind {
    kConnected,     ///< CONNACK was good; `limits` hold.
    kRefused,       ///< The attempt failed: `text`, `reason_code`.
    kLost,          ///< An established connection is gone.
    kAcknowledged,  ///< PUBACK for `token` with a reason below 0x80.
    kRejected,      ///< PUBACK for `token` with a reason of 0x80 or above.
  };
  Kind kind{};
  std::uint64_t token = 0;
  int reason_code = 0;  ///< MQTT 5 reason, or the 3.1.1 CONNACK return code; 0 when there was none.
  BrokerLimits limits{};
  std::string text;  ///< What happened, for a person.
  /// kRefused, kLost: it was the broker that ended it, not we, a timeout or the network. A box in between may fake this.
  bool closed_by_peer = false;
  LinkFault fault = LinkFault::kNetwork;  ///< kRefused, kLost: what kind of failure it was.
};

/// One MQTT connection at a time to one broker. No buffering, no persistence, no reconnecting of its own.
///
/// Threads  all methods: the loop only. Its own threads hand over events and ring the loop's bell.
/// Order    publications reach the broker in the order of `publish`. Events of an abandoned connection never
/// appear.
class Broker {
 public:
  virtual ~Broker() = default;

  /// Begins an attempt, dropping any earlier connection; kConnected or kRefused will follow.
  virtual Status connect(const ConnectRequest& request) = 0;

  /// Ends the connection. `politely`: sends DISCONNECT (the broker then forgets the last will) and waits up
  /// to 2 s.
  virtual void disconnect(bool politely) = 0;

  /// Hands one message over; copies what it needs.
  /// Errors  kRetry: the connection is not up or cannot take it now. kReject: this message can never go over this
  ///         connection, as the broker's limits say; the text says why, no event follows, the connection lives on.
  virtual Status publish(const Publication& publication) = 0;

  /// Appends what happened since the last call.
  virtual void take_events(std::vector<BrokerEvent>& events) = 0;

  /// False simulates a tunnel: no byte passes either way and no connection can be made until it is true
  /// again.
  virtual void set_passing(bool passing) = 0;
};

}  // namespace outrider
