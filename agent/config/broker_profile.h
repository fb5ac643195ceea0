// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "agent/ports/broker.h"

namespace outrider {

struct PublishConfig;

/// A port on which a service takes MQTT over TLS.
struct ServicePort {
  std::uint16_t number = 0;    ///< 0: none.
  std::string_view alpn = {};  ///< Protocol that has to be asked for there; empty: none.
};

/// What one kind of broker is known to want, beyond the MQTT standard. Zero or empty: nothing is known.
///
/// Texts may hold {host}, {client_id}, {vehicle_id} and {channel}.
struct BrokerProfile {
  std::string_view name;
  /// Nobody can move its limits: what contradicts them is refused. Otherwise they are what such a broker does unless its
  /// operator chose differently: defaults, no more.
  bool is_service = false;
  std::array<ServicePort, 2> ports = {};  ///< Tried in this order where the URL names none.
  bool has_mqtt5 = true;
  bool has_retain = true;
  bool has_basic_ingest = false;       ///< "$aws/rules/RULE/…" is a topic.
  std::string_view client_id = {};     ///< Where the configuration gives none.
  std::string_view username_end = {};  ///< What stands behind the host in the user name.
  std::string_view topic = {};         ///< Where the configuration gives none.
  std::string_view topic_begin = {};   ///< Of every topic; properties follow, URL-encoded.
  std::uint32_t max_message = 0;       ///< Bytes of the whole packet.
  std::uint32_t max_in_flight = 0;     ///< Messages that wait for their acknowledgement.
  std::uint32_t max_in_flight_bytes = 0;
  std::uint32_t usual_messages_per_second = 0;  ///< Where the configuration gives none.
  std::uint32_t max_messages_per_second = 0;    ///< Of one connection, both ways together.
  std::uint64_t usual_bytes_per_second = 0;
  std::uint64_t max_bytes_per_second = 0;
  seconds min_keep_alive{0};
  seconds max_keep_alive{0};
  std::string_view certificate_hint = {};  ///< Said when there is neither a certificate nor a password.
  std::string_view username_hint = {};     ///< Said when there is no user name.
};

/// All of them; the first one, "generic", knows nothing and is the default.
std::span<const BrokerProfile> broker_profiles();

/// What became of a profile in one configuration.
struct AppliedProfile {
  const BrokerProfile* rules = &broker_profiles().front();
  std::vector<std::string> settings;  ///< What it set: "max_in_flight 20". For people.
  BrokerLimits presumed;              ///< Of a broker that does not say them in CONNACK.
  std::uint64_t max_in_flight_bytes = std::numeric_limits<std::uint64_t>::max();
};

/// What the profile has to say against a configuration that may be meant so; each with its JSON path.
std::vector<std::string> profile_warnings(const PublishConfig& publish);

}  // namespace outrider
