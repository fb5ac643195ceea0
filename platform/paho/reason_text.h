// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agent/ports/broker.h"

namespace outrider {

/// An MQTT 5 reason of 0x80 or above (OASIS MQTT 5.0, section 2.4), with what to do about it where that is known:
/// "not authorized (0x87)".
std::string reason_text(int reason);

/// Why a CONNACK was bad; on 3.1.1 `code` is its return code 1..5 (OASIS MQTT 3.1.1, table 3.1).
std::string refusal_text(MqttVersion version, int code);

}  // namespace outrider
