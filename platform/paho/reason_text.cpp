// SPDX-License-Identifier: Apache-2.0
#include "platform/paho/reason_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

namespace outrider {
namespace {

struct Reason {
  int code;
  const char* text;
};

constexpr Reason kReasons[] = {
    {0x00, "without a reason"},
    {0x80, "unspecified error"},
    {0x81, "malformed packet"},
    {0x82, "protocol error"},
    {0x83, "an error of the broker's own kind"},
    {0x84, "the broker does not speak this version of MQTT"},
    {0x85, "the client id is not valid"},
    {0x86, "wrong user name or password"},
    {0x87, "not authorized"},
    {0x88, "the server is not available"},
    {0x89, "the server is busy"},
    {0x8A, "banned"},
    {0x8B, "the server is shutting down"},
    {0x8C, "wrong authentication method"},
    {0x8D, "keep-alive timeout"},
    {0x8E, "session taken over: another client connected with the same client id"},
    {0x8F, "the topic filter is not valid"},
    {0x90, "the topic name is not valid"},
    {0x93, "more messages in flight than the broker's Receive Maximum"},
    {0x94, "the topic alias is not valid"},
    {0x95, "the packet is too large"},
    {0x96, "the message rate is too high"},
    {0x97, "a quota is exceeded"},
    {0x98, "an administrator ended it"},
    {0x99, "the payload format is not valid"},
    {0x9A, "retained messages are not supported"},
    {0x9B, "this QoS is not supported"},
    {0x9C, "use another server"},
    {0x9D, "the server has moved"},
    {0x9E, "shared subscriptions are not supported"},
    {0x9F, "the connection rate is exceeded"},
    {0xA0, "the maximum connection time is over"},
    {0xA1, "subscription identifiers are not supported"},
    {0xA2, "wildcard subscriptions are not supported"},
};

constexpr std::array<const char*, 6> kReturnCodes = {
    "accepted",
    "the broker does not speak this version of MQTT",
    "the client id is not valid",
    "the server is not available",
    "wrong user name or password",
    "not authorized",
};

std::string hex(int code) {
  std::array<char, 16> digits{};
  (void)std::snprintf(digits.data(), digits.size(), "0x%02X", static_cast<unsigned>(code));
  return digits.data();
}

}  // namespace

std::string reason_text(int reason) {
  const auto* known = std::find_if(std::begin(kReasons), std::end(kReasons),
                                   [reason](const Reason& r) { return r.code == reason; });
  return (known != std::end(kReasons) ? known->text : "unknown reason") + (" (" + hex(reason) + ")");
}

std::string refusal_text(MqttVersion version, int code) {
  if (version == MqttVersion::k5 || code < 0 || code >= static_cast<int>(kReturnCodes.size()))
    return reason_text(code);
  return std::string(kReturnCodes[static_cast<std::size_t>(code)]) + " (return code " + std::to_string(code) +
         ")";
}

}  // namespace outrider
