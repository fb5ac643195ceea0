// SPDX-License-Identifier: Apache-2.0
#include "platform/paho/paho_subscription.h"

#include <chrono>
#include <utility>

#include "platform/paho/reason_text.h"

namespace outrider {

namespace {

constexpr seconds kConnectTimeout{15};  // the link gives up first, and knows why
constexpr seconds kKeepAlive{20};
constexpr milliseconds kGoodbyeTimeout{2'000};
constexpr int kFirstErrorReason = 0x80;  // MQTT 5, section 2.4

int paho_version(MqttVersion version) {
  return version == MqttVersion::k5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
}

std::string answer_text(MqttVersion version, const mqtt::token& token) {
  if (token.get_reason_code() >= kFirstErrorReason) return reason_text(token.get_reason_code());
  const int code = token.get_return_code();
  return code > 0 ? refusal_text(version, code) : "";  // below zero Paho got no answer at all
}

mqtt::properties session_expiry(seconds expiry) {
  return {mqtt::property(mqtt::property::SESSION_EXPIRY_INTERVAL, static_cast<std::int32_t>(expiry.count()))};
}

}  // namespace

void PahoSubscription::Listener::on_success(const mqtt::token& token) {
  const bool is_refused = token.get_reason_code() >= kFirstErrorReason;
  owner_.enter(is_refused ? failure_ : success_, is_refused ? reason_text(token.get_reason_code()) : "");
}

void PahoSubscription::Listener::on_failure(const mqtt::token& token) {
  // Paho ends every open action when a connection goes; only an answer of the broker is a refusal.
  const bool was_answered = token.get_reason_code() >= kFirstErrorReason || token.get_return_code() > 0;
  owner_.enter(was_answered ? failure_ : Stage::kFailed, answer_text(owner_.request_.version, token));
}

PahoSubscription::PahoSubscription(const SubscribeRequest& request, bool is_clean, std::uint16_t port,
                                   Mailbox& mailbox)
    : request_(request),
      mailbox_(mailbox),
      client_("tcp://127.0.0.1:" + std::to_string(port), request.client_id,
              mqtt::create_options(paho_version(request.version))) {
  client_.set_message_callback([this](const mqtt::const_message_ptr& message) {
    mailbox_.put({std::chrono::system_clock::now(), message->get_topic(), message->get_payload_str(),
                  message->is_retained()});
  });
  client_.set_connection_lost_handler([this](const std::string& cause) { enter(Stage::kFailed, cause); });
  client_.set_disconnected_handler([this](const mqtt::properties& /*unused*/, mqtt::ReasonCode reason) {
    enter(Stage::kFailed, reason_text(reason));
  });
  client_.connect(connect_options(is_clean), nullptr, connected_);
}

PahoSubscription::~PahoSubscription() = default;

mqtt::connect_options PahoSubscription::connect_options(bool is_clean) const {
  mqtt::connect_options options;
  options.set_mqtt_version(paho_version(request_.version));
  options.set_connect_timeout(kConnectTimeout);
  options.set_keep_alive_interval(kKeepAlive);
  options.set_automatic_reconnect(false);
  if (!request_.username.empty()) options.set_user_name(request_.username);
  if (!request_.password.empty()) options.set_password(request_.password);
  if (request_.version == MqttVersion::k5) {
    options.set_clean_start(is_clean);
    options.set_properties(session_expiry(is_clean ? seconds{0} : request_.session_expiry));
  } else {
    options.set_clean_session(is_clean);
  }
  return options;
}

void PahoSubscription::enter(Stage stage, std::string text) {
  {
    const std::lock_guard lock(mutex_);
    // The first reason is the one worth telling: a lost connection fails in several places.
    if (stage_ == Stage::kFailed || stage_ == Stage::kRefused) return;
    stage_ = stage;
    text_ = std::move(text);
  }
  mailbox_.ring();
}

PahoSubscription::Stage PahoSubscription::stage() const {
  const std::lock_guard lock(mutex_);
  return stage_;
}

std::string PahoSubscription::text() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

void PahoSubscription::subscribe() {
  enter(Stage::kSubscribing, "");
  // Retained documents once per session, not again after every reconnect.
  const mqtt::subscribe_options options(mqtt::subscribe_options::SUBSCRIBE_LOCAL,
                                        mqtt::subscribe_options::NO_RETAIN_AS_PUBLISHED,
                                        mqtt::subscribe_options::SEND_RETAINED_ON_NEW);
  client_.subscribe(request_.topic_filter, request_.qos, nullptr, subscribed_,
                    request_.version == MqttVersion::k5 ? options : mqtt::subscribe_options());
}

void PahoSubscription::disconnect() { client_.disconnect()->wait_for(kGoodbyeTimeout); }

}  // namespace outrider
