// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/config/config_text.h"

namespace outrider {
namespace {

TEST_CASE("config: the smallest one has every default") {
  const Result<Config> config = parse(config_text("{}"));
  REQUIRE(config);
  CHECK(config->vehicle_id == "truck-17");
  REQUIRE(config->buses.size() == 1);
  CHECK(config->buses[0].matching == IdMatching::kAuto);
  REQUIRE(config->signals.size() == 1);
  CHECK(config->signals[0].message == "*");
  CHECK(config->signals[0].signal == "*");
  CHECK(config->signals[0].is_on_change);
  CHECK(config->signals[0].min_interval == milliseconds(100));
  CHECK_FALSE(config->signals[0].period);
  CHECK(config->publish.client_id == "outrider-truck-17");
  CHECK(config->publish.brokers[0].text() == "broker:8883");
  CHECK(config->buffer.directory == "/var/lib/outrider");
  CHECK_FALSE(config->clock.trusts_system_time);
}

TEST_CASE("config: every value is read") {
  const Result<Config> config = parse(R"({
    "$schema": "schema/config.schema.json",
    "vehicle_id": "Lkw ä",
    "buses": [{"name": "can0", "dbc": ["a.dbc", "/b.dbc"], "match": "pgn"},
              {"name": "can1", "dbc": ["builtin:outrider_machine.dbc"], "match": "exact"}],
    "signals": ["Speed", "EEC1.*",
      {"message": "M", "signal": "S", "as": "s", "unit": "", "period": "2min", "on_change": true, "deadband": 0.5,
       "min_interval": "0s", "valid": [-1, null], "source_address": 23},
      {"signal": "P", "period": "1s"},
      {"message": "Noise*", "drop": true}],
    "buffer": {"directory": "d", "max_bytes": "1MiB", "max_age": "2h", "min_free_disk": "5MiB", "keep_in_memory": "30s", "commit_interval": "10ms", "max_staged_bytes": "64KiB"},
    "publish": {"brokers": ["mqtt://a:1", "mqtts://[::1]"], "allow_plain_text": true,
      "tls": {"ca": "ca.pem", "crl": "/crl.pem", "certificate": "c.pem", "key": "c.key", "server_name": "n",
              "alpn": ["x", "y"], "minimum_version": "1.3"}, "mqtt": "3.1.1", "client_id": "c", "username": "u",
      "password_file": "pw", "topic": "{vehicle_id}/{channel}", "layout": "records", "max_message": "16MiB",
      "max_in_flight": 65535, "max_messages_per_second": 70, "max_bytes_per_second": "320KiB",
       "keep_alive": "5s", "connect_timeout": "1s", "ack_timeout": "10min",
      "backoff": {"base": "10ms", "cap": "24h"}, "stable_after": "0s"},
    "simulator": {"model": "machine", "seed": 9007199254740992},
    "clock": {"trust_system_time": true},
    "log": {"level": "warning"}})");
  REQUIRE(config);
  CHECK(config->vehicle_id == "Lkw ä");
  REQUIRE(config->buses.size() == 2);
  CHECK(config->buses[0].matching == IdMatching::kPgn);
  CHECK(config->buses[1].matching == IdMatching::kExact);
  CHECK(config->buses[0].dbc[1].path == "/b.dbc");
  CHECK(config->buses[1].dbc[0].path.empty());
  CHECK(config->buses[1].dbc[0].builtin == *builtin_file("outrider_machine.dbc"));
  CHECK(config->buffer.directory == "d");
  CHECK(config->buffer.max_bytes == 1U << 20U);
  CHECK(config->buffer.commit_interval == milliseconds(10));
  CHECK(config->buffer.max_staged_bytes == 64U << 10U);
  CHECK(config->buffer.keep_in_memory == std::chrono::seconds(30));
  CHECK(config->buffer.max_age == std::chrono::hours(2));
  CHECK(config->buffer.min_free_disk == 5U << 20U);
  const PublishConfig& publish = config->publish;
  CHECK(publish.brokers.size() == 2);
  CHECK(publish.allows_plain_text);
  CHECK(publish.tls == TlsOptions{.ca = "ca.pem",
                                  .crl = "/crl.pem",
                                  .certificate = "c.pem",
                                  .key = "c.key",
                                  .server_name = "n",
                                  .alpn = {"x", "y"},
                                  .minimum_version = TlsVersion::k13});
  CHECK(publish.version == MqttVersion::k311);
  CHECK(publish.client_id == "c");
  CHECK(publish.username == "u");
  CHECK(publish.password_file == "pw");
  CHECK(publish.topic == "{vehicle_id}/{channel}");
  CHECK(publish.layout == Layout::kRecords);
  CHECK(publish.max_message == 16U << 20U);
  CHECK(publish.max_in_flight == 65535);
  CHECK(publish.max_messages_per_second == 70);
  CHECK(publish.max_bytes_per_second == 320U << 10U);
  CHECK(publish.keep_alive == seconds(5));
  CHECK(publish.connect_timeout == milliseconds(1000));
  CHECK(publish.ack_timeout == milliseconds(600'000));
  CHECK(publish.backoff.base == milliseconds(10));
  CHECK(publish.backoff.cap == milliseconds(86'400'000));
  CHECK(publish.stable_after == milliseconds(0));
  CHECK(config->simulator.model == ModelKind::kMachine);
  CHECK(config->simulator.seed == 9007199254740992U);
  CHECK(config->clock.trusts_system_time);
  CHECK(config->log_level == LogLevel::kWarning);
}

TEST_CASE("config: rules are read in all their forms") {
  const Result<Config> config = parse(config_text(R"({"signals": ["Speed", "EEC1.*",
      {"message": "M", "signal": "S", "as": "s", "unit": "", "period": "2min", "on_change": true, "deadband": 0.5,
       "min_interval": "0s", "valid": [-1, null], "source_address": 23},
      {"signal": "P", "period": "1s"},
      {"message": "Noise*", "drop": true, "source_address": 0}]})"));
  REQUIRE(config);
  REQUIRE(config->signals.size() == 5);
  const auto& rules = config->signals;
  CHECK((rules[0].message == "*" && rules[0].signal == "Speed"));
  CHECK((rules[1].message == "EEC1" && rules[1].signal == "*"));
  CHECK((rules[2].message == "M" && rules[2].signal == "S"));
  CHECK(rules[2].as == "s");
  CHECK(rules[2].unit == "");
  CHECK(rules[2].period == milliseconds(120'000));
  CHECK(rules[2].is_on_change);
  CHECK(rules[2].deadband == 0.5);
  CHECK(rules[2].min_interval == milliseconds(0));
  CHECK(rules[2].valid_min == -1.0);
  CHECK_FALSE(rules[2].valid_max);
  CHECK(rules[2].source_address == 23);
  CHECK(rules[2].path == "signals[2]");
  CHECK_FALSE(rules[3].is_on_change);
  CHECK(rules[4].is_dropped);
  CHECK(rules[4].source_address == 0);
  CHECK((rules[4].message == "Noise*" && rules[4].signal == "*"));
}

TEST_CASE("config: a credential of systemd stays as it is written") {
  const std::string text = config_text(
      R"({"buses": [{"name": "c", "dbc": ["a.dbc"]}], "publish": {"username": "u", "password_file": "credential:pw",
          "tls": {"certificate": "c.pem", "key": "credential:device.key"}}})");
  const Result<Config> config = parse_config(text, "t.json", "etc/outrider", {});
  REQUIRE(config);
  CHECK(config->publish.tls.certificate == "etc/outrider/c.pem");
  CHECK(config->publish.tls.key == "credential:device.key");
  CHECK(config->publish.password_file == "credential:pw");
}

TEST_CASE("config: file names are relative to the configuration, the buffer is not") {
  const std::string text = config_text(
      R"({"buses": [{"name": "c", "dbc": ["a.dbc", "../b.dbc", "/c.dbc", "builtin:outrider_vehicle.dbc"]}],
          "buffer": {"directory": "state"}, "publish": {"username": "u", "password_file": "pw"}})");
  const Result<Config> config = parse_config(text, "t.json", "etc/outrider", {});
  REQUIRE(config);
  const std::vector<DbcSource>& dbc = config->buses[0].dbc;
  CHECK(dbc[0].path == "etc/outrider/a.dbc");
  CHECK(dbc[0].name == "a.dbc");
  CHECK(dbc[1].path == "etc/b.dbc");
  CHECK(dbc[2].path == "/c.dbc");
  CHECK(dbc[3].path.empty());
  CHECK(config->publish.password_file == "etc/outrider/pw");
  CHECK(config->buffer.directory == "state");
}

TEST_CASE(
    "config: the status socket lies beside the buffer, elsewhere when told to, and nowhere when empty") {
  CHECK(parse(config_text("{}"))->status.socket == "/var/lib/outrider/outrider.sock");
  CHECK(parse(config_text("{}"), {"buffer.directory=state"})->status.socket == "state/outrider.sock");
  CHECK(parse(config_text(R"({"status": {}})"))->status.socket == "/var/lib/outrider/outrider.sock");
  CHECK(parse(config_text(R"({"status": {"socket": "/run/o.sock"}})"))->status.socket == "/run/o.sock");
  CHECK(parse(config_text(R"({"status": {"socket": ""}})"))->status.socket.empty());
}

TEST_CASE("config: a basic ingest topic may use the broker's prefix and all seven slashes after it") {
  CHECK(
      parse(config_text(R"({"publish": {"topic": "$aws/rules/fleet/1/2/3/4/5/6/7/{vehicle_id}/{channel}"}})"))
          .error()
          .text == "t.json:1: publish.topic: has 8 slashes; at most 7 are allowed");
  CHECK(
      parse(config_text(R"({"publish": {"topic": "$aws/rules/fleet/1/2/3/4/5/6/{vehicle_id}/{channel}"}})")));
}

TEST_CASE("config: a file that is not there or is a directory gets a sentence") {
  CHECK(load_config("no/such/outrider.json", {}).error().text ==
        "no/such/outrider.json: cannot be read: No such file or directory; give the path of a configuration "
        "file");
  CHECK(load_config("/", {}).error().text ==
        "/: cannot be read: it is a directory; give the path of a configuration file");
  CHECK(load_config("builtin:boat", {}).error().text ==
        "builtin:boat: did not come with the program; there is \"builtin:simulator\"");
}

}  // namespace
}  // namespace outrider
