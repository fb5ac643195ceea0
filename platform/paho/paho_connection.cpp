// SPDX-License-Identifier: Apache-2.0
#include "platform/paho/paho_connection.h"

#include <algorithm>
#include <utility>

#include "agent/base/quantity.h"
#include "platform/paho/lifecycle.h"
#include "platform/paho/reason_text.h"

namespace outrider {
namespace {

using Code = mqtt::property::code;

constexpr int kBuffered = 1000;  // messages Paho may queue; its default is 100, which a burst exceeds
constexpr std::chrono::seconds kGrace{5};  // the link gives an attempt up first: it knows why
constexpr milliseconds kDrainLimit{1000};
constexpr std::size_t kSpare = 16;
constexpr int kFirstError = 0x80;
/// The broker has nothing to say here but CONNACK, PUBACK, PINGRESP and DISCONNECT, each with some words of explanation.
constexpr std::size_t kMostAnswerBytes = 64 << 10;

/// Bytes of the whole PUBLISH packet (OASIS MQTT 5.0, sections 2.1 and 3.3).
std::size_t packet_bytes(const Publication& publication, MqttVersion version) {
  std::size_t rest =
      2 + publication.topic.size() + (publication.qos > 0 ? 2 : 0) + publication.payload.size();
  if (version == MqttVersion::k5) {
    const std::size_t type = publication.content_type.size();
    const std::size_t properties = type == 0 ? 0 : 3 + type;
    rest += properties + (properties < 128 ? 1 : 2);
  }
  const std::size_t length_bytes = rest < 128 ? 1 : rest < 16'384 ? 2 : rest < 2'097'152 ? 3 : 4;
  return 1 + length_bytes + rest;
}

/// The reason with which the broker would refuse this one for good; 0: none.
int refusal(const Publication& publication, MqttVersion version, const BrokerLimits& limits) {
  if (packet_bytes(publication, version) > limits.max_packet_bytes) return 0x95;
  if (publication.qos > limits.max_qos) return 0x9B;
  if (publication.is_retained && !limits.retain_available) return 0x9A;
  return 0;
}

BrokerLimits limits_of(const mqtt::properties& properties) {
  BrokerLimits limits;
  const auto set = [&properties](Code code, auto get, auto& limit) {
    if (properties.contains(code)) limit = get(code);
  };
  const auto bits8 = [&](Code code) { return mqtt::get<std::uint8_t>(properties, code); };
  const auto bits16 = [&](Code code) { return mqtt::get<std::uint16_t>(properties, code); };
  const auto bits32 = [&](Code code) { return mqtt::get<std::uint32_t>(properties, code); };
  set(Code::RECEIVE_MAXIMUM, bits16, limits.receive_maximum);
  set(Code::MAXIMUM_PACKET_SIZE, bits32, limits.max_packet_bytes);
  set(Code::MAXIMUM_QOS, bits8, limits.max_qos);
  set(
      Code::RETAIN_AVAILABLE, [&](Code code) { return bits8(code) != 0; }, limits.retain_available);
  set(
      Code::SERVER_KEEP_ALIVE, [&](Code code) { return seconds(bits16(code)); }, limits.server_keep_alive);
  return limits;
}

BrokerEvent event(BrokerEvent::Kind kind, std::uint64_t token, int reason, std::string text) {
  return {.kind = kind, .token = token, .reason_code = reason, .limits = {}, .text = std::move(text)};
}

mqtt::create_options create_options(MqttVersion version) {
  mqtt::create_options options(static_cast<int>(version));
  options.set_max_buffered_messages(kBuffered);
  return options;
}

}  // namespace

PahoConnection::PahoConnection(std::uint64_t number, ConnectRequest request, SecureClient* secure,
                               EventQueue& events, Link& link)
    : number_(number),
      request_(std::move(request)),
      broker_(request_.address.text()),
      secure_(secure),
      events_(events),
      link_(link) {}

PahoConnection::~PahoConnection() {
  // First: Paho says DISCONNECT whenever it closes, and the broker would then forget the last will.
  link_.cut();
  end_client(kDrainLimit);  // into the link, which throws it away: what Paho still holds unsent it would leak
  const std::lock_guard lock(paho_lifecycle());
  client_.reset();
}

void PahoConnection::start() {
  std::unique_ptr<SecureChannel> channel;
  if (request_.address.is_secure) {
    auto opened = secure_->open(request_.address, request_.tls);
    if (!opened)
      return report_refused(0, "no secure connection to " + broker_ + ": " + opened.error().text,
                            LinkFault::kOwnCertificate);
    channel = std::move(*opened);
  }
  const Result<std::uint16_t> port = link_.open({.address = request_.address,
                                                 .timeout = request_.timeout,
                                                 .max_packet_bytes = kMostAnswerBytes,
                                                 .on_broker_end = [this] { return drain(); }},
                                                std::move(channel));
  if (!port) return report_refused(0, port.error().text, LinkFault::kNetwork);
  try {
    open_client(*port);
  } catch (const mqtt::exception& error) {
    report_refused(0, std::string("the MQTT library refused to connect: ") + error.what(), LinkFault::kMqtt);
  }
}

/// On the link's thread, when the broker's side has ended. Paho leaks the messages that it has not written when it
/// learns of the end, so they go to the link first, which throws them away; a marker of QoS 0 is the last of them.
/// Paho takes that one without the lock that its callbacks hold. (When the broker says DISCONNECT, Paho closes at once:
/// what it had not written by then is lost memory that we cannot help.)
bool PahoConnection::drain() {
  const std::lock_guard lock(hand_over_);
  if (!is_open_.exchange(false) || in_flight_.empty()) return true;
  try {
    client_->publish(mqtt::message::create("marker", "", 1, /*qos=*/0, /*retained=*/false), nullptr,
                     marker_listener_);
    return false;
  } catch (const mqtt::exception&) {
    return true;  // it knows already
  }
}

void PahoConnection::open_client(std::uint16_t port) {
  const std::lock_guard lock(paho_lifecycle());
  client_ =
      std::make_unique<mqtt::async_client>("tcp://127.0.0.1:" + std::to_string(port), request_.client_id,
                                           create_options(request_.version), nullptr);
  // Not set_callback: its "connected" part completes the connect token twice.
  client_->set_connection_lost_handler([this](const std::string&) { lost(); });
  client_->set_disconnected_handler([this](const mqtt::properties&, mqtt::ReasonCode reason) {
    ended_by_broker(static_cast<int>(reason));
  });
  client_->connect(options(), nullptr, connect_listener_);
}

mqtt::connect_options PahoConnection::options() const {
  mqtt::connect_options options;
  options.set_mqtt_version(static_cast<int>(request_.version));
  if (request_.version == MqttVersion::k5) {
    options.set_clean_start(true);
  } else {
    options.set_clean_session(true);
  }
  options.set_automatic_reconnect(false);
  options.set_keep_alive_interval(request_.keep_alive);
  options.set_connect_timeout(std::chrono::ceil<seconds>(request_.timeout) + kGrace);
  options.set_max_inflight(static_cast<int>(std::min<std::uint32_t>(request_.max_in_flight, 65'535)));
  if (!request_.username.empty()) options.set_user_name(request_.username);
  if (!request_.password.empty()) options.set_password(request_.password);
  if (request_.will) {
    const LastWill& will = *request_.will;
    options.set_will(mqtt::will_options(mqtt::string_ref(will.topic), will.payload.data(),
                                        will.payload.size(),
                                        /*qos=*/1, /*retained=*/true));
  }
  return options;
}

void PahoConnection::end_politely(milliseconds longest) {
  const auto until = std::chrono::steady_clock::now() + longest;
  if (!end_client(longest)) return;
  const auto left = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
  (void)link_.wait_released(std::max(left, milliseconds(0)));
}

/// DISCONNECT, behind all messages that Paho still has to write. False when there was no connection.
bool PahoConnection::end_client(milliseconds longest) {
  try {
    // No timeout of Paho's own: it looks at that every three seconds only.
    const mqtt::token_ptr ended = client_ ? client_->disconnect(0) : nullptr;
    return ended && ended->wait_for(longest);
  } catch (const mqtt::exception&) {
    return false;
  }
}

Status PahoConnection::publish(const Publication& publication, const BrokerLimits& limits) {
  if (const int reason = refusal(publication, request_.version, limits); reason != 0)
    return reject("not sent to " + broker_ + ": " + reason_text(reason));
  // A retained one may exceed the window: it is the status that says goodbye.
  const std::size_t window = std::min(request_.max_in_flight, limits.receive_maximum);
  const auto slot = in_flight_.add(publication.qos == 0 ? 0 : publication.token,
                                   packet_bytes(publication, request_.version),
                                   publication.is_retained ? window + kSpare : window);
  if (!slot)
    return retry("the messages in flight fill the window of " + std::to_string(window) + " messages or " +
                 size_text(InFlight::kWindowBytes));
  Status handed_over = hand_over(publication, *slot);
  if (!handed_over) (void)in_flight_.remove(*slot);
  return handed_over;
}

Status PahoConnection::hand_over(const Publication& publication, std::size_t slot) {
  const std::lock_guard lock(hand_over_);
  if (!is_open_) return retry("the connection has just ended");
  try {
    mqtt::properties properties;
    if (request_.version == MqttVersion::k5 && !publication.content_type.empty()) {
      properties.add({Code::CONTENT_TYPE, std::string(publication.content_type)});
    }
    auto message = mqtt::message::create(std::string(publication.topic), publication.payload.data(),
                                         publication.payload.size(), publication.qos, publication.is_retained,
                                         properties);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a pointer is what Paho carries for us; it holds the slot
    client_->publish(std::move(message), reinterpret_cast<void*>(slot), publish_listener_);
    return ok();
  } catch (const mqtt::exception& error) {
    return retry(std::string("the MQTT library did not take the message: ") + error.what());
  }
}

void PahoConnection::connected(const mqtt::token& token) {
  BrokerEvent connected = event(BrokerEvent::Kind::kConnected, 0, 0, "connected to " + broker_);
  if (request_.version == MqttVersion::k5) {
    connected.limits = limits_of(token.get_connect_response().get_properties());
  }
  is_open_ = true;
  events_.push(number_, std::move(connected));
}

void PahoConnection::refused(const mqtt::token& token) {
  // A positive code is CONNACK's, on both versions; Paho's own are negative.
  const int code = token.get_return_code();
  if (code > 0)
    return report_refused(code, broker_ + " refused: " + refusal_text(request_.version, code),
                          LinkFault::kMqtt);
  const std::string reason = link_.failure();
  report_refused(0,
                 "no connection to " + broker_ + ": " +
                     (reason.empty() ? "the MQTT library gave up (" + std::to_string(code) + ")" : reason),
                 link_.fault());
}

void PahoConnection::report_refused(int code, std::string why, LinkFault fault) {
  BrokerEvent refused = event(BrokerEvent::Kind::kRefused, 0, code, std::move(why));
  refused.fault = fault;
  refused.closed_by_peer = link_.was_ended_by_broker();
  events_.push(number_, std::move(refused));
}

void PahoConnection::delivered(const mqtt::token& token) {
  const std::uint64_t ours = in_flight_.remove(reinterpret_cast<std::size_t>(token.get_user_context()));
  if (ours != 0) events_.push(number_, event(BrokerEvent::Kind::kAcknowledged, ours, 0, {}));
}

void PahoConnection::not_delivered(const mqtt::token& token) {
  const std::uint64_t ours = in_flight_.remove(reinterpret_cast<std::size_t>(token.get_user_context()));
  const int reason = static_cast<int>(token.get_reason_code());
  // Any other failure belongs to the end of the connection, and the reason is then not even initialized.
  if (token.get_return_code() != 0 || reason < kFirstError || ours == 0) return;
  events_.push(number_, event(BrokerEvent::Kind::kRejected, ours, reason,
                              broker_ + " refused a message: " + reason_text(reason)));
}

void PahoConnection::lost() {
  const std::string reason = link_.failure();
  BrokerEvent lost = event(BrokerEvent::Kind::kLost, 0, 0,
                           "connection to " + broker_ + " lost: " +
                               (reason.empty() ? "no answer to a ping, or a malformed packet" : reason));
  lost.closed_by_peer = link_.was_ended_by_broker();
  lost.fault = link_.fault();
  events_.push(number_, std::move(lost));
}

void PahoConnection::ended_by_broker(int reason) {
  is_open_ = false;  // Paho closes now, so that there is nothing to drain
  BrokerEvent lost =
      event(BrokerEvent::Kind::kLost, 0, reason, broker_ + " ended the connection: " + reason_text(reason));
  lost.closed_by_peer = true;
  lost.fault = LinkFault::kMqtt;
  events_.push(number_, std::move(lost));
}

}  // namespace outrider
