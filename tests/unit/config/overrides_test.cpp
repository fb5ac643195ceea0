// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/config/config_text.h"

namespace outrider {
namespace {

const std::string kBase = config_text(R"({"signals": ["A", {"signal": "B", "as": "b"}]})");

TEST_CASE("overrides: values of every kind are set before validation") {
  const Result<Config> config = parse(
      kBase, {"vehicle_id=van-3", "buffer.max_bytes=64MiB", "publish.brokers=[\"mqtts://b:1\",\"mqtts://c\"]",
              "publish.brokers[1]=mqtts://d:2", "publish.max_in_flight=7", "signals[1].as=c",
              "signals[2]={\"signal\":\"D\",\"period\":\"1s\"}", "publish.backoff.base=2s", "log.level=debug",
              "signals[0]=M.*", "publish.topic={vehicle_id}/{channel}", "publish.mqtt=3.1.1"});
  REQUIRE(config);
  CHECK(config->vehicle_id == "van-3");
  CHECK(config->buffer.max_bytes == 64U << 20U);
  REQUIRE(config->publish.brokers.size() == 2);
  CHECK(config->publish.brokers[0].text() == "b:1");
  CHECK(config->publish.brokers[1].text() == "d:2");
  CHECK(config->publish.max_in_flight == 7);
  CHECK(config->publish.backoff.base == milliseconds(2000));
  CHECK(config->publish.topic == "{vehicle_id}/{channel}");
  CHECK(config->publish.version == MqttVersion::k311);
  CHECK(config->log_level == LogLevel::kDebug);
  REQUIRE(config->signals.size() == 3);
  CHECK(config->signals[0].message == "M");
  CHECK(config->signals[1].as == "c");
  CHECK(config->signals[2].period == milliseconds(1000));
}

TEST_CASE("overrides: the last one for a value wins, and a text may hold '='") {
  const Result<Config> config = parse(kBase, {"vehicle_id=a", "vehicle_id=b", "publish.username=k=v"});
  REQUIRE(config);
  CHECK(config->vehicle_id == "b");
  CHECK(config->publish.username == "k=v");
}

TEST_CASE("overrides: where a text is wanted, bare numbers and words are texts as written") {
  const Result<Config> config =
      parse(kBase, {"vehicle_id=0017", "publish.client_id=1e3", "publish.username=true", "publish.mqtt=5"});
  REQUIRE(config);
  CHECK(config->vehicle_id == "0017");
  CHECK(config->publish.client_id == "1e3");
  CHECK(config->publish.username == "true");
  CHECK(config->publish.version == MqttVersion::k5);
}

TEST_CASE("overrides: wrong values get the same sentences, and say where they came from") {
  const struct {
    std::string override_text;
    std::string problem;
  } cases[] = {
      {"buffer.max_byte=1MiB",
       "buffer.max_byte (set on the command line): is an unknown key; did you mean \"max_bytes\"?"},
      {"buffer.max_bytes=1",
       "buffer.max_bytes (set on the command line): is the number 1; write a size with its unit, such as "
       "\"64KiB\" or \"256MiB\""},
      {"buffer.max_bytes=1KiB",
       "buffer.max_bytes (set on the command line): is 1KiB; the range is 1MiB to 1TiB"},
      {"signals[1].as=", "signals[1].as (set on the command line): is empty; write at least one character"},
      {"publish.brokers=[mqtt://b]",
       "publish.brokers (set on the command line): is the text \"[mqtt://b]\", as it is not valid JSON (does "
       "the shell keep the double quotes?); write a list of broker URLs: [ … ]"},
      {"publish.brokers=mqtt://b",
       "publish.brokers (set on the command line): is the text \"mqtt://b\"; write a list of broker URLs: [ "
       "… ]"},
      {"publish.brokers[0]=tcp://b",
       "publish.brokers[0] (set on the command line): is \"tcp://b\", which other programs write for "
       "mqtt://; write mqtts://HOST or mqtts://HOST:PORT"},
      {"buses[1].name=can1",
       "buses[1].dbc (set on the command line): is missing; name the files that describe the bus: "
       "[\"vehicle.dbc\"]"},
      {"vehicle_id=\xFF", "vehicle_id (set on the command line): is not valid UTF-8; write it in UTF-8"},
      {"vehicle_id=null", "vehicle_id (set on the command line): is null; write a text in double quotes"},
      {"vehicle_id=", "vehicle_id (set on the command line): is empty; write at least one character"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.override_text);
    CHECK(refusal(kBase, {one.override_text}) == std::string("t.json: ") + one.problem);
  }
}

TEST_CASE("overrides: a path that leads nowhere gets a sentence") {
  const struct {
    std::string override_text;
    std::string problem;
  } cases[] = {
      {"buffer.max_bytes",
       "--set \"buffer.max_bytes\" has no '='; write path.to.key=value, such as buffer.max_bytes=64MiB or "
       "signals[0].as=speed"},
      {"=5",
       "--set \"=5\" has a path that cannot be read; write path.to.key=value, such as buffer.max_bytes=64MiB "
       "or signals[0].as=speed"},
      {"buffer..max_bytes=5",
       "--set \"buffer..max_bytes=5\" has a path that cannot be read; write path.to.key=value, such as "
       "buffer.max_bytes=64MiB or signals[0].as=speed"},
      {"buffer.=5",
       "--set \"buffer.=5\" has a path that cannot be read; write path.to.key=value, such as "
       "buffer.max_bytes=64MiB or signals[0].as=speed"},
      {"signals[x]=5",
       "--set \"signals[x]=5\" has a path that cannot be read; write path.to.key=value, such as "
       "buffer.max_bytes=64MiB or signals[0].as=speed"},
      {"signals[0=5",
       "--set \"signals[0=5\" has a path that cannot be read; write path.to.key=value, such as "
       "buffer.max_bytes=64MiB or signals[0].as=speed"},
      {"signals[-1]=5",
       "--set \"signals[-1]=5\" has a path that cannot be read; write path.to.key=value, such as "
       "buffer.max_bytes=64MiB or signals[0].as=speed"},
      {"signals[99999999999]=5",
       "--set \"signals[99999999999]=5\" has a path that cannot be read; write path.to.key=value, such as "
       "buffer.max_bytes=64MiB or signals[0].as=speed"},
      {"[0]=5",
       "--set \"[0]=5\" has a path that cannot be read; write path.to.key=value, such as "
       "buffer.max_bytes=64MiB or signals[0].as=speed"},
      {"signals[0].as=x",
       "--set \"signals[0].as=x\" leads nowhere: signals[0] is not an object, so it has no keys; set it as a "
       "whole"},
      {"signals.as=x",
       "--set \"signals.as=x\" leads nowhere: signals is a list; say which entry, like signals[0]"},
      {"signals[5]=x", "--set \"signals[5]=x\" leads nowhere: signals has 2 entries; the next one is [2]"},
      {"vehicle_id.x=5",
       "--set \"vehicle_id.x=5\" leads nowhere: vehicle_id is not an object, so it has no keys; set it as a "
       "whole"},
      {"buffer[0]=5", "buffer (set on the command line): is a list; write an object: { … }"},
      {"publish[0]=5", "--set \"publish[0]=5\" leads nowhere: publish is not a list, so it has no entry [0]"},
      {"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=5",
       "--set \"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=5\" has a path that cannot be read; write "
       "path.to.key=value, such as buffer.max_bytes=64MiB or signals[0].as=speed"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.override_text);
    CHECK(refusal(kBase, {one.override_text}) == std::string("t.json: ") + one.problem);
  }
}

TEST_CASE("overrides: they can complete a configuration that lacks what is required") {
  const Result<Config> config = parse(
      "{}", {"vehicle_id=a", "buses[0].name=can0", "buses[0].dbc[0]=a.dbc", "publish.brokers[0]=mqtts://b"});
  REQUIRE(config);
  CHECK(config->buses[0].dbc[0].path == "a.dbc");
  CHECK(config->publish.brokers[0].host == "b");
}

}  // namespace
}  // namespace outrider
