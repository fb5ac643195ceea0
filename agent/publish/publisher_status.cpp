// SPDX-License-Identifier: Apache-2.0
// What the publisher tells beside rows: retained status documents, the last will, and words for people.
#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "agent/publish/publisher.h"

namespace outrider {

bool Publisher::send_statuses(BootTime now) {
  while (StatusTopics::Document* document = statuses_.next()) {
    if (!may_send(now)) return false;
    const Publication publication{.token = next_token_++ << kStreamBits | kStatusStream,
                                  .topic = document->topic,
                                  .payload = document->text,
                                  .is_retained = limits_.retain_available,
                                  .content_type = "application/json"};
    if (const auto sent = broker_.publish(publication); sent) {
      statuses_.sent(*document, publication.token);
      took_off(now, publication);
    } else if (sent.error().fault == Fault::kReject) {
      log_error("publish.status", "a status document cannot be sent: " + sent.error().text);
      document->is_sent = true;  // until it changes, or the connection does
    } else {
      return false;
    }
  }
  return true;
}

void Publisher::set_status(std::string_view vehicle_id, std::string text) {
  statuses_.set(vehicle_id, topic(vehicle_id, "status"), std::move(text));
}

void Publisher::set_will(std::string_view vehicle_id, std::string text, std::string brief_text) {
  will_.set(topic(vehicle_id, "status"), std::move(text), std::move(brief_text));
}

void Publisher::say_goodbye(std::string_view text) {
  if (will_.will() && (mode_ == Mode::kLive || mode_ == Mode::kCatchingUp))
    (void)broker_.publish({.token = kStatusStream,
                           .topic = will_.will()->topic,
                           .payload = text,
                           .is_retained = limits_.retain_available,
                           .content_type = "application/json"});
  broker_.disconnect(true);
  mode_ = Mode::kOffline;
}

LinkState Publisher::link() const {
  const bool is_connected = mode_ == Mode::kLive || mode_ == Mode::kCatchingUp;
  return {.is_connected = is_connected,
          .broker = config_.brokers[broker_index_].text(),
          .since = is_connected ? std::optional(connected_at_) : lost_at_,
          .next_attempt = mode_ == Mode::kOffline ? std::optional(next_attempt_) : std::nullopt};
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
