// SPDX-License-Identifier: Apache-2.0
// What the publisher tells beside rows: retained status documents, the last will, and words for people.
#include <algorithm>

#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "agent/publish/publisher.h"

namespace outrider {

bool Publisher::send_statuses(BootTime now) {
  for (StatusTopic& status : statuses_) {
    if (status.is_sent) continue;
    if (in_flight_ >= window()) return false;
    const Publication publication{.token = next_token_++ << kStreamBits | kStatusStream,
                                  .topic = status.topic,
                                  .payload = status.text,
                                  .is_retained = limits_.retain_available,
                                  .content_type = "application/json"};
    if (const auto sent = broker_.publish(publication); !sent && sent.error().fault == Fault::kReject) {
      log_error("publish.status", "a status document cannot be sent: " + sent.error().text);
      status.is_sent = true;  // until it changes, or the connection does
      continue;
    } else if (!sent) {
      return false;
    }
    status.is_sent = true;
    ++statuses_in_flight_;
    took_off(now);
  }
  return true;
}

void Publisher::status_done() {
  if (statuses_in_flight_ == 0) return;
  --statuses_in_flight_;
  --in_flight_;
}

void Publisher::set_status(std::string_view vehicle_id, std::string text) {
  const auto found = std::find_if(statuses_.begin(), statuses_.end(),
                                  [&](const StatusTopic& status) { return status.vehicle_id == vehicle_id; });
  if (found == statuses_.end()) {
    statuses_.push_back({.vehicle_id = std::string(vehicle_id),
                         .topic = topic(vehicle_id, "status"),
                         .text = std::move(text)});
  } else {
    found->text = std::move(text);
    found->is_sent = false;
  }
}

void Publisher::set_will(std::string_view vehicle_id, std::string text) {
  will_ = LastWill{.topic = topic(vehicle_id, "status"), .payload = std::move(text)};
}

void Publisher::say_goodbye(std::string_view text) {
  if (will_ && (mode_ == Mode::kLive || mode_ == Mode::kCatchingUp))
    (void)broker_.publish({.token = kStatusStream,
                           .topic = will_->topic,
                           .payload = text,
                           .is_retained = limits_.retain_available,
                           .content_type = "application/json"});
  broker_.disconnect(true);
  mode_ = Mode::kOffline;
}

LinkState Publisher::link() const {
  const bool is_connected = mode_ == Mode::kLive || mode_ == Mode::kCatchingUp;
  return {.broker = config_.brokers[broker_index_].text(),
          .since = is_connected ? std::optional(connected_at_) : lost_at_,
          .next_attempt = mode_ == Mode::kOffline ? std::optional(next_attempt_) : std::nullopt,
          .last_error = last_error_,
          .last_error_at = last_error_at_,
          .held_streams = static_cast<std::size_t>(std::count_if(
              streams_.begin(), streams_.end(), [](const Stream& stream) { return stream.refusals > 0; }))};
}

std::string Publisher::link_text(BootTime now) const {
  switch (mode_) {
    case Mode::kConnecting:
      return "connecting to " + config_.brokers[broker_index_].text();
    case Mode::kCatchingUp:
      return "catching up";
    case Mode::kLive:
      return "live";
    case Mode::kOffline:
      break;
  }
  if (trouble_.empty()) return "offline";
  return "offline: " + trouble_ + ", next try in " +
         duration_text(next_attempt_ > now ? next_attempt_ - now : nanoseconds(0));
}

}  // namespace outrider
