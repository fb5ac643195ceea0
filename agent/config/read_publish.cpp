// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "agent/config/broker_url.h"
#include "agent/config/sections.h"

namespace outrider {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::size_t kMostBrokers = 16;
/// AWS IoT Core takes client ids of up to 128 bytes that do not begin with '$'.
constexpr std::size_t kLongestClientId = 128;

constexpr std::array<Choice<MqttVersion>, 2> kVersions{
    {{"5", MqttVersion::k5}, {"3.1.1", MqttVersion::k311}}};
constexpr std::array<Choice<Layout>, 2> kLayouts{
    {{"columns", Layout::kColumns}, {"records", Layout::kRecords}}};

void read_brokers(const JsonObject& object, PublishConfig& publish) {
  const std::optional<JsonEntry> entry = object.find("brokers");
  if (!entry) {
    object.problem("brokers", "is missing; name at least one broker: [\"mqtts://host:8883\"]");
    return;
  }
  const auto urls = entry->items("broker URLs", kMostBrokers);
  if (urls && urls->empty()) entry->refuse("is empty; name at least one broker: [\"mqtts://host:8883\"]");
  if (!urls) return;
  for (const JsonEntry& item : *urls) {
    std::string url;
    if (!item.read(url, TextLimits{.most_bytes = 512})) continue;
    Result<BrokerAddress> address = parse_broker_url(url);
    const std::optional<std::string> problem =
        !address                    ? address.error().text
        : publish.allows_plain_text ? std::nullopt
                                    : plain_text_problem(*address, "set publish.allow_plain_text to true");
    if (problem)
      item.refuse(*problem);
    else
      publish.brokers.push_back(std::move(*address));
  }
}

void read_identity(const JsonObject& object, const std::string& vehicle_id, PublishConfig& publish) {
  publish.client_id = "outrider-" + vehicle_id;
  const bool is_given =
      object.read("client_id", publish.client_id, TextLimits{.most_bytes = kLongestClientId});
  if (is_given && publish.client_id[0] == '$')
    object.problem("client_id",
                   "begins with '$', which is reserved for the broker; begin with another character");
  if (publish.client_id.size() > kLongestClientId)
    object.problem("client_id", "would be \"outrider-\" and the vehicle_id, which has " +
                                    std::to_string(publish.client_id.size()) +
                                    " bytes; write one of at most " + std::to_string(kLongestClientId));
  object.read("username", publish.username, TextLimits{});
}

void read_password(const JsonObject& object, const FileContext& files, PublishConfig& publish) {
  if (object.read("password_file", publish.password_file, TextLimits{.most_bytes = 4096}))
    publish.password_file = resolve_path(publish.password_file, files);
  if (object.has("password_file") && !object.has("username"))
    object.problem("password_file", "needs a username beside it; MQTT has no password without one");
}

void read_timing(const JsonObject& object, PublishConfig& publish) {
  // MQTT's keep alive is a 16-bit number of seconds, 0 for none: then a dead link would never be noticed.
  object.read("keep_alive", publish.keep_alive, Range<seconds>{seconds(5), seconds(65535)});
  object.read("connect_timeout", publish.connect_timeout, Range<milliseconds>{seconds(1), minutes(10)});
  object.read("ack_timeout", publish.ack_timeout, Range<milliseconds>{seconds(1), minutes(10)});
  object.read("stable_after", publish.stable_after, Range<milliseconds>{seconds(0), hours(1)});
  const std::optional<JsonObject> backoff = object.object("backoff", "publish.backoff");
  if (!backoff) return;
  backoff->read("base", publish.backoff.base, Range<milliseconds>{milliseconds(10), minutes(10)});
  backoff->read("cap", publish.backoff.cap, Range<milliseconds>{milliseconds(10), hours(24)});
  if (publish.backoff.base <= publish.backoff.cap) return;
  if (backoff->has("base"))
    backoff->problem("base", "is longer than cap; base is the first wait, cap the longest");
  else
    backoff->problem(
        "cap", "is shorter than base, which is 1s unless given; base is the first wait, cap the longest");
}

void read_rates(const JsonObject& object, PublishConfig& publish) {
  std::uint32_t messages = 0;
  if (object.read_whole("max_messages_per_second", messages, Range<std::uint32_t>{1, 100'000}))
    publish.max_messages_per_second = messages;
  std::uint64_t bytes = 0;
  if (object.read_size("max_bytes_per_second", bytes, {1ULL << 10U, 1ULL << 30U}))
    publish.max_bytes_per_second = bytes;
}

}  // namespace

PublishConfig read_publish(const JsonObject& top, const std::string& vehicle_id, const FileContext& files) {
  PublishConfig publish;
  if (!top.has("publish"))
    top.problem("publish", "is missing; it needs at least {\"brokers\": [\"mqtts://host:8883\"]}");
  const std::optional<JsonObject> object = top.object("publish", "publish");
  if (!object) return publish;
  object->read("allow_plain_text", publish.allows_plain_text);
  read_brokers(*object, publish);
  publish.tls = read_tls(*object, files);
  read_identity(*object, vehicle_id, publish);
  read_password(*object, files, publish);
  read_timing(*object, publish);
  object->read_choice("mqtt", publish.version, kVersions);
  object->read_choice("layout", publish.layout, kLayouts);
  std::uint64_t max_message = publish.max_message;
  object->read_size("max_message", max_message, {8ULL << 10U, 16ULL << 20U});
  publish.max_message = static_cast<std::uint32_t>(max_message);
  object->read_whole("max_in_flight", publish.max_in_flight, Range<std::uint32_t>{1, 65535});
  read_rates(*object, publish);
  object->read("topic", publish.topic, TextLimits{.most_bytes = 1024});
  if (const auto problem = topic_problem(publish.topic, vehicle_id)) object->problem("topic", *problem);
  return publish;
}

}  // namespace outrider
