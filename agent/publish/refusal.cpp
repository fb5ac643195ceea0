// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/refusal.h"

#include <algorithm>

namespace outrider {

// Codes of OASIS MQTT 5.0: table 3-4 in section 3.4.2.1 for PUBACK, table 3-10 in section 3.14.2.1 for DISCONNECT.

Blame blame_of(int reason_code) {
  switch (reason_code) {
    case 0x87:  // Not authorized. AWS IoT Core: its policy does not let this client publish to the topic.
    case 0x90:  // Topic name invalid: well formed, but not one this broker takes.
      return Blame::kTopic;
    case 0x95:  // Packet too large; from the limit in CONNACK (3.2.2.3.6), PUBACK has no such code.
    case 0x99:  // Payload format invalid, or not as the broker's schema wants it.
      return Blame::kMessage;
    case 0x91:  // Packet identifier in use: of the connection, not of the message.
    case 0x97:  // Quota exceeded.
    case 0x9A:  // Retain not supported, and
    case 0x9B:  // QoS not supported: what this broker cannot do for any message.
      return Blame::kNobody;
    case 0x80:  // Unspecified error.
    case 0x83:  // Implementation specific error.
    default:
      return Blame::kUnclear;
  }
}

bool may_end_for_message(int reason_code) {
  switch (reason_code) {
    case 0x00:  // Closed without a word, as 3.1.1 has it.
    case 0x80:  // Unspecified error.
    case 0x81:  // Malformed packet.
    case 0x82:  // Protocol error.
    case 0x83:  // Implementation specific error.
    case 0x87:  // Not authorized.
    case 0x90:  // Topic name invalid.
    case 0x95:  // Packet too large.
    case 0x99:  // Payload format invalid.
      return true;
    default:  // Shutting down, session taken over, keep alive, quota, moved…
      return false;
  }
}

void RowLimit::narrow(const RowRange& failed) {
  value_ = std::max(failed.rows / 2, 1U);
  suspect_through_ = failed.last;
}

void RowLimit::one_by_one(const RowRange& failed) {
  value_ = 1;
  suspect_through_ = failed.last;
}

void RowLimit::accepted(Sequence last) {
  // Not before the end of the rows one of which cannot go: a larger message would have it again.
  if (last >= suspect_through_) value_ = std::min(value_ * 2, kMost);
}

RefusalPolicy::Step RefusalPolicy::refused(Blame blame, const RowRange& message, RowLimit& limit) {
  ++refusals_;
  tries_ = message.first == suspect_ ? tries_ + 1 : 1;
  suspect_ = message.first;
  switch (blame) {
    case Blame::kNobody:
      tries_ = 0;
      return Step::kWait;
    case Blame::kMessage:
      if (message.rows == 1) return wait_or_bury(message, 1);
      limit.narrow(message);
      return Step::kRetry;
    case Blame::kUnclear:
      if (message.rows == 1) return wait_or_bury(message, kTries);
      limit.narrow(message);
      tries_ = 0;
      return Step::kWait;
    case Blame::kTopic:
      if (message.rows == 1) return wait_or_bury(message, kTries);
      if (tries_ < kTries) return Step::kWait;
      limit.one_by_one(message);
      return Step::kRetry;
  }
  return Step::kWait;
}

RefusalPolicy::Step RefusalPolicy::wait_or_bury(const RowRange& message, std::uint32_t tries_needed) {
  is_holding_ = message.is_gap;
  return message.is_gap || tries_ < tries_needed ? Step::kWait : Step::kBury;
}

void RefusalPolicy::accepted() {
  refusals_ = 0;
  tries_ = 0;
  is_holding_ = false;
}

}  // namespace outrider
