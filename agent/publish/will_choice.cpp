// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/will_choice.h"

#include <utility>

namespace outrider {
namespace {

constexpr int kPacketTooLarge = 0x95;  // MQTT 5.0, 3.2.2.2
// One may be a broker that is just being stopped.
constexpr int kTellingClosures = 2;

}  // namespace

void WillChoice::set(std::string topic, std::string full, std::string brief) {
  full_ = LastWill{.topic = topic, .payload = std::move(full)};
  brief_ = LastWill{.topic = std::move(topic), .payload = std::move(brief)};
}

std::string WillChoice::refused(const BrokerEvent& event) {
  const bool is_said = event.reason_code == kPacketTooLarge;
  const bool is_closed = event.fault == LinkFault::kNetwork && event.reason_code == 0 && event.closed_by_peer;
  closures_ = is_closed ? closures_ + 1 : 0;
  if (!will() || !(is_said || closures_ >= kTellingClosures)) return {};
  const std::size_t bytes = will()->payload.size();
  std::string text = std::string(is_said ? "; " : "; if the broker takes only small packets: ") +
                     "CONNECT carries a last will of " + std::to_string(bytes) + " bytes";
  if (is_brief_ || brief_->payload.size() >= bytes)
    return text + ", and it cannot be smaller: raise the broker's maximum packet size";
  is_brief_ = true;
  closures_ = 0;
  return text + ", from now on one of " + std::to_string(brief_->payload.size()) +
         " without the list of signals";
}

}  // namespace outrider
