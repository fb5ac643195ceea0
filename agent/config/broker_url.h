// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/ports/broker.h"

namespace outrider {

/// "mqtts://host:8883" or "mqtt://host:1883" → address; an IPv6 host is without its brackets.
/// Errors   kReject: a sentence without its subject, 'is "x", which …; write …', to follow the name of the setting.
Result<BrokerAddress> parse_broker_url(std::string_view url);

/// True when nobody else could listen on the way to this host: "localhost", 127.0.0.0/8, ::1.
bool is_this_machine(std::string_view host);

/// Why `address` must not be connected to in plain text: to follow the name of the setting. nullopt: it may.
std::optional<std::string> plain_text_problem(const BrokerAddress& address, std::string_view how_to_allow);

}  // namespace outrider
