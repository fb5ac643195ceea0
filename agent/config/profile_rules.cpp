// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/base/quantity.h"
#include "agent/config/problems.h"
#include "agent/config/sections.h"

namespace outrider {
namespace {

constexpr std::string_view kBasicIngest = "$aws/";

/// One configuration held against its profile: reports "publish.KEY: PROFILE: RULE; is VALUE".
class Rules {
 public:
  Rules(const JsonObject& object, const PublishConfig& publish)
      : object_(object), publish_(publish), profile_(*publish.profile.rules) {}

  void hold(const std::string& vehicle_id) const {
    hold_limits();
    hold_keep_alive();
    hold_names();
    hold_topic(vehicle_id);
  }

 private:
  void refuse(std::string_view key, const std::string& rule, const std::string& is) const {
    object_.problem(key, std::string(profile_.name) + ": " + rule + "; is " + is);
  }

  void hold_limits() const {
    if (!profile_.is_service) return;
    if (!profile_.has_mqtt5 && publish_.version == MqttVersion::k5)
      refuse("mqtt", "speaks MQTT 3.1.1 only", "\"5\"");
    if (publish_.max_message > profile_.max_message)
      refuse("max_message", "a message has at most " + size_text(profile_.max_message),
             size_text(publish_.max_message));
    if (profile_.max_in_flight > 0 && publish_.max_in_flight > profile_.max_in_flight)
      refuse("max_in_flight",
             "at most " + std::to_string(profile_.max_in_flight) + " messages wait for their acknowledgement",
             std::to_string(publish_.max_in_flight));
    hold_rates();
  }

  void hold_rates() const {
    // A quarter of a second's worth, and two messages, may come on top within a second: see Pace.
    const std::uint32_t most = profile_.max_messages_per_second * 4 / 5;
    const std::uint32_t messages = publish_.max_messages_per_second.value_or(0);
    if (most > 0 && messages > most - 2)
      refuse("max_messages_per_second",
             "a connection carries " + std::to_string(profile_.max_messages_per_second) +
                 " messages a second, both ways together, and bursts must fit in; write at most " +
                 std::to_string(most - 2),
             std::to_string(messages));
    const std::uint64_t bytes = publish_.max_bytes_per_second.value_or(0);
    if (profile_.max_bytes_per_second > 0 && bytes > profile_.max_bytes_per_second)
      refuse("max_bytes_per_second",
             "a connection carries at most " + size_text(profile_.max_bytes_per_second) + " a second",
             size_text(bytes));
  }

  void hold_keep_alive() const {
    const seconds least = profile_.min_keep_alive;
    const seconds most = profile_.max_keep_alive;
    const seconds is = publish_.keep_alive;
    if (most == seconds(0) || (is >= least && is <= most)) return;
    const std::string range =
        least > seconds(0) ? text_of(least) + " to " + text_of(most) : "at most " + text_of(most);
    refuse("keep_alive", "keep-alive is " + range, text_of(is));
  }

  void hold_names() const {
    if (profile_.username_end.empty()) return;
    const std::string& id = publish_.client_id;
    const auto is_allowed = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
             std::string_view("-.%_*?!(),:=@$'").find(c) != std::string_view::npos;
    };
    if (!std::all_of(id.begin(), id.end(), is_allowed))
      refuse("client_id", "the client id is the device id: letters, digits and -.%_*?!(),:=@$'",
             in_quotes(id));
    const std::string end = fill(profile_.username_end);
    if (!publish_.username.empty() && !publish_.username.ends_with(end))
      refuse("username", "the user name is HUB" + end, in_quotes(publish_.username));
    const auto is_other = [this](const BrokerAddress& broker) {
      return broker.host != publish_.brokers.front().host;
    };
    if (!object_.has("username") && std::any_of(publish_.brokers.begin(), publish_.brokers.end(), is_other))
      object_.problem("brokers", std::string(profile_.name) +
                                     ": the hub's host is part of the user name; name one host, or write "
                                     "publish.username");
  }

  void hold_topic(const std::string& vehicle_id) const {
    const std::string& topic = publish_.topic;
    if (!profile_.has_basic_ingest && topic.starts_with(kBasicIngest))
      refuse("topic", "knows no topics of AWS IoT Core's basic ingest", in_quotes(topic));
    if (profile_.topic_begin.empty()) return;
    const std::string begin = fill(profile_.topic_begin);
    if (!topic.starts_with(begin)) return refuse("topic", "a topic begins with " + begin, in_quotes(topic));
    const auto is_plain = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
             std::string_view("-._~").find(c) != std::string_view::npos;
    };
    if (!std::all_of(vehicle_id.begin(), vehicle_id.end(), is_plain))
      refuse("topic", "the vehicle_id stands among URL-encoded properties: letters, digits and -._~",
             in_quotes(vehicle_id));
  }

  std::string fill(std::string_view text) const {
    return expand(std::string(text), "{client_id}", publish_.client_id);
  }
  static std::string text_of(seconds length) {
    const auto count = length.count();
    const bool is_minutes = count >= 60 && count % 60 == 0;
    return std::to_string(is_minutes ? count / 60 : count) + (is_minutes ? " min" : " s");
  }

  const JsonObject& object_;
  const PublishConfig& publish_;
  const BrokerProfile& profile_;
};

}  // namespace

const BrokerProfile& read_profile(const JsonObject& top) {
  std::vector<Choice<const BrokerProfile*>> choices;
  for (const BrokerProfile& profile : broker_profiles()) choices.push_back({profile.name, &profile});
  const BrokerProfile* chosen = &broker_profiles().front();
  if (const std::optional<JsonObject> broker = top.object("broker", "broker"))
    broker->read("profile", chosen, std::span<const Choice<const BrokerProfile*>>(choices));
  return *chosen;
}

void preset_limits(const JsonObject& object, PublishConfig& publish) {
  const BrokerProfile& profile = *publish.profile.rules;
  const auto set = [&](std::string_view key, auto& value, auto wanted, const std::string& text) {
    if (wanted == decltype(wanted){} || object.has(key)) return;
    value = wanted;
    publish.profile.settings.push_back(std::string(key) + " " + text);
  };
  if (!profile.has_mqtt5) set("mqtt", publish.version, MqttVersion::k311, "3.1.1");
  if (profile.max_in_flight < publish.max_in_flight)
    set("max_in_flight", publish.max_in_flight, profile.max_in_flight, std::to_string(profile.max_in_flight));
  if (const std::uint32_t half = profile.max_in_flight_bytes / 2; half < publish.max_message)
    set("max_message", publish.max_message, half, size_text(half));
  set("max_messages_per_second", publish.max_messages_per_second, profile.usual_messages_per_second,
      std::to_string(profile.usual_messages_per_second));
  set("max_bytes_per_second", publish.max_bytes_per_second, profile.usual_bytes_per_second,
      size_text(profile.usual_bytes_per_second));
  publish.profile.presumed.retain_available = profile.has_retain;
  if (profile.max_in_flight_bytes > 0) publish.profile.max_in_flight_bytes = profile.max_in_flight_bytes;
  if (!profile.is_service) return;
  publish.profile.presumed.max_packet_bytes = profile.max_message;
  if (profile.max_in_flight > 0) publish.profile.presumed.receive_maximum = profile.max_in_flight;
}

void preset_names(const JsonObject& object, PublishConfig& publish) {
  const BrokerProfile& profile = *publish.profile.rules;
  const auto set = [&](std::string_view key, std::string& value, const std::string& wanted) {
    value = wanted;
    publish.profile.settings.push_back(std::string(key) + " " + wanted);
  };
  if (!profile.client_id.empty() && !object.has("client_id"))
    publish.profile.settings.push_back("client_id " + publish.client_id);
  if (!profile.username_end.empty() && !object.has("username") && !publish.brokers.empty())
    set("username", publish.username,
        publish.brokers.front().host +
            expand(std::string(profile.username_end), "{client_id}", publish.client_id));
  if (!profile.topic.empty() && !object.has("topic"))
    set("topic", publish.topic, expand(std::string(profile.topic), "{client_id}", publish.client_id));
}

void hold_to_profile(const JsonObject& object, const std::string& vehicle_id, const PublishConfig& publish) {
  Rules(object, publish).hold(vehicle_id);
}

std::vector<BrokerAddress> expand_ports(const BrokerAddress& address, bool has_port,
                                        const PublishConfig& publish) {
  std::vector<BrokerAddress> addresses;
  for (const ServicePort& port : publish.profile.rules->ports) {
    if (port.number == 0 || (has_port && port.number != address.port)) continue;
    BrokerAddress& expanded = addresses.emplace_back(address);
    expanded.port = port.number;
    if (publish.tls.alpn.empty()) expanded.alpn = port.alpn;
  }
  if (addresses.empty()) addresses.push_back(address);
  return addresses;
}

std::vector<std::string> profile_warnings(const PublishConfig& publish) {
  const BrokerProfile& profile = *publish.profile.rules;
  std::vector<std::string> warnings;
  const auto warn = [&](const std::string& path, std::string_view text) {
    warnings.push_back(path + ": " + std::string(profile.name) + ": " + std::string(text));
  };
  if (!profile.certificate_hint.empty() && publish.tls.certificate.empty() && publish.password_file.empty())
    warn("publish.tls", profile.certificate_hint);
  if (!profile.username_hint.empty() && publish.username.empty())
    warn("publish.username", profile.username_hint);
  if (!profile.is_service) return warnings;
  const auto& ports = profile.ports;
  for (const BrokerAddress& broker : publish.brokers)
    if (std::none_of(ports.begin(), ports.end(),
                     [&](const ServicePort& p) { return p.number == broker.port; }))
      warn("publish.brokers", "takes MQTT on port " + std::to_string(ports[0].number) +
                                  (ports[1].number > 0 ? " and " + std::to_string(ports[1].number) : "") +
                                  "; is " + broker.text() + " a way there?");
  return warnings;
}

}  // namespace outrider
