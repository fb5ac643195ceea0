// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/attempts.h"

#include <algorithm>
#include <utility>

namespace outrider {
namespace {

// MQTT 5.0, 3.2.2.2 and 3.14.2.1.
constexpr int kSessionTakenOver = 0x8E;
constexpr int kRetainNotSupported = 0x9A;
constexpr int kQosNotSupported = 0x9B;
/// How soon the clock is looked at again while it is not set. Nothing but the time is waited for.
constexpr milliseconds kTimeRetry{2000};

}  // namespace

bool needs_help(const BrokerEvent& event) {
  return event.fault == LinkFault::kServerCertificate || event.fault == LinkFault::kOwnCertificate ||
         event.reason_code == kQosNotSupported;
}

bool is_takeover(const BrokerEvent& event) { return event.reason_code == kSessionTakenOver; }

ConnectRequest Attempts::request(std::string password, std::optional<LastWill> will) const {
  ConnectRequest request{.address = broker(),
                         .tls = config_.tls,
                         .version = config_.version,
                         .client_id = config_.client_id,
                         .username = config_.username,
                         .password = std::move(password),
                         .keep_alive = config_.keep_alive,
                         .timeout = config_.connect_timeout,
                         .max_in_flight = config_.max_in_flight,
                         .will = std::move(will),
                         .presumed = config_.profile.presumed};
  if (!broker().alpn.empty()) request.tls.alpn = {broker().alpn};
  // A broker that does not retain must refuse a will that is to be retained (MQTT 5.0, 3.2.2.3.5), and says so too late.
  if (request.will)
    request.will->is_retained = config_.profile.presumed.retain_available && !refuses_retained_[index_];
  return request;
}

std::optional<BrokerEvent> Attempts::connected(const BrokerLimits& limits, BootTime now) {
  connected_at_ = now;
  refuses_retained_[index_] = !limits.retain_available;
  if (limits.max_qos > 0) return std::nullopt;
  BrokerEvent refusal;
  refusal.kind = BrokerEvent::Kind::kRefused;
  refusal.reason_code = kQosNotSupported;
  refusal.fault = LinkFault::kMqtt;
  refusal.text =
      "it takes QoS 0 only (Maximum QoS in its CONNACK) and so acknowledges nothing, but Outrider must know "
      "what "
      "arrived; let it take QoS 1";
  return refusal;
}

void Attempts::failed(const BrokerEvent& event, BootTime now, double random) {
  if (event.fault == LinkFault::kTime) {
    next_ = now + kTimeRetry;
    return;
  }
  // A broker that accepts and then kicks must not make a tight loop: only a stable connection clears the slate.
  const bool was_stable =
      event.kind == BrokerEvent::Kind::kLost && now - connected_at_ >= config_.stable_after;
  failures_ = was_stable ? 1 : failures_ + 1;
  if (event.reason_code == kRetainNotSupported) refuses_retained_[index_] = true;
  // Two agents with one client id would kick each other out for ever; somebody has to notice. What needs help waits
  // only where there is no other broker to try: another port leads to the same one.
  const bool waits_long = is_takeover(event) || (needs_help(event) && !has_other_host());
  const milliseconds half = config_.backoff.cap / 2;
  next_ = now + (waits_long ? half + std::chrono::duration_cast<milliseconds>(half * random)
                            : backoff_delay(config_.backoff, failures_, random));
  if (!was_stable && event.reason_code != kRetainNotSupported) index_ = (index_ + 1) % config_.brokers.size();
}

bool Attempts::has_other_host() const {
  return std::any_of(config_.brokers.begin(), config_.brokers.end(),
                     [this](const BrokerAddress& other) { return other.host != broker().host; });
}

}  // namespace outrider
