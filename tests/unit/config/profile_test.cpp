// SPDX-License-Identifier: Apache-2.0
// What each broker profile sets, and what it refuses.
#include <doctest/doctest.h>

#include "tests/unit/config/config_text.h"

namespace outrider {
namespace {

using Texts = std::vector<std::string>;

std::string text_with(const std::string& profile, const std::string& publish = "{}") {
  return config_text(R"({"broker": {"profile": ")" + profile + R"("}, "publish": )" + publish + "}");
}

PublishConfig publish_of(const std::string& profile, const std::string& publish = "{}") {
  const Result<Config> config = parse(text_with(profile, publish));
  REQUIRE_MESSAGE(config, (config ? "" : config.error().text));
  return config->publish;
}

std::string problem_of(const std::string& profile, const std::string& publish) {
  return refusal(text_with(profile, publish));
}

Texts ways_of(const PublishConfig& publish) {
  Texts ways;
  for (const BrokerAddress& broker : publish.brokers)
    ways.push_back(broker.text() + (broker.alpn.empty() ? "" : " " + broker.alpn));
  return ways;
}

TEST_CASE("profile: without one nothing is known, and nothing is set") {
  const PublishConfig publish = publish_of("generic");
  CHECK(publish.profile.rules->name == "generic");
  CHECK(publish.profile.settings.empty());
  CHECK(publish.profile.presumed.retain_available);
  CHECK(publish.profile.presumed.receive_maximum == 65'535);
  CHECK(ways_of(publish) == Texts{"broker:8883"});
  CHECK(profile_warnings(publish).empty());
  CHECK(parse(config_text("{}"))->publish.profile.rules->name == "generic");
}

TEST_CASE("profile: one that is not known is refused with those that are") {
  CHECK(refusal(text_with("aws")) ==
        "t.json:1: broker.profile: is \"aws\"; write \"generic\", \"mosquitto\", \"aws-iot\", "
        "\"azure-event-grid\", \"azure-iot-hub\", \"emqx\" or \"hivemq\"");
}

TEST_CASE("profile: a broker of one's own sets defaults, and refuses nothing") {
  struct Own {
    const char* profile;
    std::uint32_t in_flight;
  };
  for (const Own& own : {Own{"mosquitto", 20}, Own{"emqx", 32}, Own{"hivemq", 10}}) {
    CAPTURE(own.profile);
    const PublishConfig publish = publish_of(own.profile);
    CHECK(publish.max_in_flight == own.in_flight);
    CHECK(publish.profile.settings == Texts{"max_in_flight " + std::to_string(own.in_flight)});
    CHECK(publish.profile.presumed.receive_maximum == 65'535);
    CHECK(publish.profile.presumed.retain_available);
    const PublishConfig chosen = publish_of(
        own.profile,
        R"({"max_in_flight": 1000, "max_message": "16MiB", "keep_alive": "65535s", "max_messages_per_second": 100000})");
    CHECK(chosen.max_in_flight == 1000);
    CHECK(chosen.profile.settings.empty());
    CHECK(parse(text_with(own.profile, R"({"brokers": ["mqtt://localhost"]})")));
  }
}

TEST_CASE("profile: aws-iot knows two ports, and what has to be asked for on the second one") {
  CHECK(ways_of(publish_of("aws-iot")) == Texts{"broker:8883", "broker:443 x-amzn-mqtt-ca"});
  CHECK(ways_of(publish_of("aws-iot", R"({"brokers": ["mqtts://a:443", "mqtts://b", "mqtts://c:8443"]})")) ==
        Texts{"a:443 x-amzn-mqtt-ca", "b:8883", "b:443 x-amzn-mqtt-ca", "c:8443"});
  const PublishConfig asked = publish_of("aws-iot", R"({"tls": {"alpn": ["mqtt"]}})");
  CHECK(ways_of(asked) == Texts{"broker:8883", "broker:443"});
  CHECK(asked.tls.alpn == Texts{"mqtt"});
}

TEST_CASE("profile: aws-iot sets rates that leave room for bursts, and presumes its limits") {
  const PublishConfig publish = publish_of("aws-iot");
  CHECK(publish.max_messages_per_second == 70);
  CHECK(publish.max_bytes_per_second == 320 * 1024);
  CHECK(publish.profile.settings == Texts{"max_messages_per_second 70", "max_bytes_per_second 320.0 KiB"});
  CHECK(publish.profile.presumed.receive_maximum == 100);
  CHECK(publish.profile.presumed.max_packet_bytes == 128 * 1024);
  CHECK(publish.profile.presumed.retain_available);
  CHECK(publish.keep_alive == seconds(30));
  CHECK(publish.version == MqttVersion::k5);
  CHECK(publish.client_id == "outrider-truck-17");
}

TEST_CASE("profile: aws-iot refuses what the service does not do, with the rule") {
  const auto problem = [](const std::string& publish) { return problem_of("aws-iot", publish); };
  CHECK(problem(R"({"keep_alive": "5s"})") ==
        "t.json:1: publish.keep_alive: aws-iot: keep-alive is 30 s to 20 min; is 5 s");
  CHECK(problem(R"({"keep_alive": "1201s"})") ==
        "t.json:1: publish.keep_alive: aws-iot: keep-alive is 30 s to 20 min; is 1201 s");
  CHECK(problem(R"({"keep_alive": "30s"})") == "nothing");
  CHECK(problem(R"({"keep_alive": "20min"})") == "nothing");
  CHECK(problem(R"({"max_message": "129KiB"})") ==
        "t.json:1: publish.max_message: aws-iot: a message has at most 128.0 KiB; is 129.0 KiB");
  CHECK(problem(R"({"max_message": "128KiB"})") == "nothing");
  CHECK(problem(R"({"max_in_flight": 101})") ==
        "t.json:1: publish.max_in_flight: aws-iot: at most 100 messages wait for their acknowledgement; is "
        "101");
  CHECK(problem(R"({"max_messages_per_second": 79})") ==
        "t.json:1: publish.max_messages_per_second: aws-iot: a connection carries 100 messages a second, "
        "both ways "
        "together, and bursts must fit in; write at most 78; is 79");
  CHECK(problem(R"({"max_messages_per_second": 78})") == "nothing");
  CHECK(
      problem(R"({"max_bytes_per_second": "513KiB"})") ==
      "t.json:1: publish.max_bytes_per_second: aws-iot: a connection carries at most 512.0 KiB a second; is "
      "513.0 KiB");
  CHECK(problem(R"({"brokers": ["mqtt://localhost"]})") ==
        "t.json:1: publish.brokers[0]: aws-iot: is reached by TLS only; write mqtts://localhost");
  CHECK(problem(R"({"client_id": "$me"})").find("publish.client_id: begins with '$'") != std::string::npos);
  CHECK(problem(R"({"topic": "$aws/rules/outrider/v/{vehicle_id}/{channel}"})") == "nothing");
}

TEST_CASE("profile: aws-iot warns of a device that nobody will know, and of a port that is not its own") {
  CHECK(profile_warnings(publish_of("aws-iot", R"({"brokers": ["mqtts://relay:9999"]})")) ==
        Texts{"publish.tls: aws-iot: knows a device by its certificate (publish.tls.certificate), unless a "
              "custom "
              "authorizer lets it in",
              "publish.brokers: aws-iot: takes MQTT on port 8883 and 443; is relay:9999 a way there?"});
  CHECK(profile_warnings(publish_of("aws-iot", R"({"tls": {"certificate": "c", "key": "k"}})")).empty());
}

TEST_CASE("profile: azure-event-grid keeps little in flight and is not asked to retain") {
  const PublishConfig publish = publish_of("azure-event-grid");
  CHECK(publish.profile.settings ==
        Texts{"max_message 29.3 KiB", "max_messages_per_second 70", "max_bytes_per_second 640.0 KiB"});
  CHECK(publish.profile.max_in_flight_bytes == 60'000);
  CHECK_FALSE(publish.profile.presumed.retain_available);
  CHECK(ways_of(publish) == Texts{"broker:8883"});
  CHECK(profile_warnings(publish).size() == 2);
  const auto problem = [](const std::string& changed) { return problem_of("azure-event-grid", changed); };
  CHECK(problem(R"({"keep_alive": "1161s"})") ==
        "t.json:1: publish.keep_alive: azure-event-grid: keep-alive is at most 1160 s; is 1161 s");
  CHECK(problem(R"({"keep_alive": "5s"})") == "nothing");
  CHECK(problem(R"({"max_message": "513KiB"})") ==
        "t.json:1: publish.max_message: azure-event-grid: a message has at most 512.0 KiB; is 513.0 KiB");
  CHECK(problem(R"({"topic": "$aws/rules/r/{vehicle_id}/{channel}"})") ==
        "t.json:1: publish.topic: azure-event-grid: knows no topics of AWS IoT Core's basic ingest; is "
        "\"$aws/rules/r/{vehicle_id}/{channel}\"");
}

TEST_CASE("profile: azure-iot-hub makes version, client id, user name and topic by itself") {
  const PublishConfig publish = publish_of("azure-iot-hub", R"({"brokers": ["mqtts://hub.example"]})");
  CHECK(publish.version == MqttVersion::k311);
  CHECK(publish.client_id == "truck-17");
  CHECK(publish.username == "hub.example/truck-17/?api-version=2021-04-12");
  CHECK(publish.topic ==
        "devices/truck-17/messages/events/"
        "vehicle_id={vehicle_id}&channel={channel}&$.ct=application%2Fjson&$.ce=utf-8");
  CHECK(publish.profile.settings.size() == 4);
  CHECK(publish.profile.settings.front() == "mqtt 3.1.1");
  CHECK_FALSE(publish.profile.presumed.retain_available);
  CHECK(publish.profile.presumed.max_packet_bytes == 256 * 1024);
  CHECK(ways_of(publish) == Texts{"hub.example:8883"});
  // A SAS token is a password, and the user name that MQTT wants with it is there.
  CHECK(profile_warnings(publish_of("azure-iot-hub", R"({"password_file": "token"})")).empty());
  CHECK(publish_of("azure-iot-hub", R"({"client_id": "d", "username": "h/d/?api-version=2021-04-12"})")
            .username == "h/d/?api-version=2021-04-12");
}

TEST_CASE("profile: azure-iot-hub refuses what the hub would only answer by closing the connection") {
  const auto problem = [](const std::string& publish) { return problem_of("azure-iot-hub", publish); };
  CHECK(problem(R"({"mqtt": "5"})") ==
        "t.json:1: publish.mqtt: azure-iot-hub: speaks MQTT 3.1.1 only; is \"5\"");
  CHECK(problem(R"({"username": "bob"})") ==
        "t.json:1: publish.username: azure-iot-hub: the user name is "
        "HUB/truck-17/?api-version=2021-04-12; is \"bob\"");
  CHECK(problem(R"({"topic": "outrider/{vehicle_id}/{channel}"})") ==
        "t.json:1: publish.topic: azure-iot-hub: a topic begins with devices/truck-17/messages/events/; is "
        "\"outrider/{vehicle_id}/{channel}\"");
  CHECK(problem(R"({"client_id": "a b"})")
            .find("publish.client_id: azure-iot-hub: the client id is the device id: letters, digits and "
                  "-.%_*?!(),:=@$'; is \"a b\"") != std::string::npos);
  CHECK(problem(R"({"brokers": ["mqtts://a", "mqtts://b"]})") ==
        "t.json:1: publish.brokers: azure-iot-hub: the hub's host is part of the user name; name one host, "
        "or write "
        "publish.username");
  CHECK(problem(R"({"keep_alive": "1178s"})") ==
        "t.json:1: publish.keep_alive: azure-iot-hub: keep-alive is at most 1177 s; is 1178 s");
  CHECK(problem(R"({"max_message": "257KiB"})") ==
        "t.json:1: publish.max_message: azure-iot-hub: a message has at most 256.0 KiB; is 257.0 KiB");
  CHECK(refusal(config_text(R"({"vehicle_id": "a&b", "broker": {"profile": "azure-iot-hub"},
                                "publish": {"client_id": "d"}})")) ==
        "t.json:1: publish.topic: azure-iot-hub: the vehicle_id stands among URL-encoded properties: "
        "letters, digits "
        "and -._~; is \"a&b\"");
}

TEST_CASE("profile: what it would set on the command line counts as written") {
  const Result<Config> config =
      parse(config_text("{}"), {"broker.profile=aws-iot", "publish.max_messages_per_second=50"});
  REQUIRE(config);
  CHECK(config->publish.max_messages_per_second == 50);
  CHECK(config->publish.profile.settings == Texts{"max_bytes_per_second 320.0 KiB"});
}

}  // namespace
}  // namespace outrider
