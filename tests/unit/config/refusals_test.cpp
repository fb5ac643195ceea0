// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/config/config_text.h"

namespace outrider {
namespace {

struct Refused {
  std::string patch;
  std::string problem;  ///< After "t.json:1: ".
};

void check_all(std::initializer_list<Refused> cases) {
  for (const Refused& one : cases) {
    CAPTURE(one.patch);
    CHECK(refusal(config_text(one.patch)) == std::string("t.json:1: ") + one.problem);
  }
}

TEST_CASE("config: what is unknown or missing at the top is named with what would be right") {
  check_all({
      {R"({"vehicle": "y"})", "vehicle: is an unknown key; did you mean \"vehicle_id\"?"},
      {R"({"buss": []})", "buss: is an unknown key; did you mean \"buses\"?"},
      {R"({"max_bytes": "1MiB"})", "max_bytes: is an unknown key; it belongs in \"buffer\""},
      {R"({"colour": 1})",
       "colour: is an unknown key; known here: \"$schema\", \"vehicle_id\", \"buses\", \"signals\", "
       "\"buffer\", \"publish\", \"status\", \"simulator\", \"clock\" and \"log\""},
      {R"({"vehicle_id": null})", "vehicle_id: is missing; write a name that no other vehicle has"},
      {R"({"buses": null})",
       "buses: is missing; name at least one: [{\"name\": \"can0\", \"dbc\": [\"vehicle.dbc\"]}]"},
      {R"({"publish": null})",
       "publish: is missing; it needs at least {\"brokers\": [\"mqtts://host:8883\"]}"},
      {R"({"$schema": 5})", "$schema: is the number 5; write a text in double quotes"},
      {R"({"log": {"level": "loud"}})",
       "log.level: is \"loud\"; write \"error\", \"warning\", \"notice\", \"info\" or \"debug\""},
      {R"({"log": "info"})", "log: is the text \"info\"; write an object: { … }"},
      {R"({"simulator": {"model": "boat"}})",
       "simulator.model: is \"boat\"; write \"vehicle\" or \"machine\""},
      {R"({"simulator": {"seed": -1}})",
       "simulator.seed: is -1; the range is 0 to 9007199254740992, whole numbers only"},
      {R"({"simulator": {"seed": 1.5}})",
       "simulator.seed: is 1.5; the range is 0 to 9007199254740992, whole numbers only"},
      {R"({"simulator": {"seed": 1e300}})",
       "simulator.seed: is 1e+300; the range is 0 to 9007199254740992, whole numbers only"},
  });
}

TEST_CASE("config: a vehicle_id that cannot be a level of a topic is refused") {
  check_all({
      {R"({"vehicle_id": ""})", "vehicle_id: is empty; write at least one character"},
      {R"({"vehicle_id": 17})", "vehicle_id: is the number 17; write a text in double quotes"},
      {R"({"vehicle_id": "a/b"})",
       "vehicle_id: is \"a/b\"; it becomes a level of the topic, so '/', '+' and '#' are not allowed"},
      {R"({"vehicle_id": "a+b"})",
       "vehicle_id: is \"a+b\"; it becomes a level of the topic, so '/', '+' and '#' are not allowed"},
      {R"({"vehicle_id": "#"})",
       "vehicle_id: is \"#\"; it becomes a level of the topic, so '/', '+' and '#' are not allowed"},
      {R"({"vehicle_id": "a\u0007b"})",
       "vehicle_id: is \"a?b\", which holds a control character; write printable characters only"},
      {R"({"vehicle_id": "a\u0085b"})",
       "vehicle_id: is \"a?b\", which holds a control character; write printable characters only"},
  });
  const std::string long_id(129, 'v');
  CHECK(refusal(config_text(R"({"vehicle_id": ")" + long_id + "\"}")) ==
        "t.json:1: vehicle_id: has 129 bytes; at most 128 are allowed");
}

TEST_CASE("config: a bus is refused with what it lacks") {
  check_all({
      {R"({"buses": {}})", "buses: is an object; write a list of buses: [ … ]"},
      {R"({"buses": []})",
       "buses: is empty; name at least one: [{\"name\": \"can0\", \"dbc\": [\"vehicle.dbc\"]}]"},
      {R"({"buses": ["can0"]})", "buses[0]: is the text \"can0\"; write an object: { … }"},
      {R"({"buses": [{"dbc": ["a.dbc"]}]})",
       "buses[0].name: is missing; write the interface, such as \"can0\""},
      {R"({"buses": [{"name": "can0"}]})",
       "buses[0].dbc: is missing; name the files that describe the bus: [\"vehicle.dbc\"]"},
      {R"({"buses": [{"name": "can0", "dbc": "a.dbc"}]})",
       "buses[0].dbc: is the text \"a.dbc\"; write a list of file names: [ … ]"},
      {R"({"buses": [{"name": "can0", "dbc": []}]})",
       "buses[0].dbc: is empty; name the files that describe the bus: [\"vehicle.dbc\"]"},
      {R"({"buses": [{"name": "can0", "dbc": [1]}]})",
       "buses[0].dbc[0]: is the number 1; write a text in double quotes"},
      {R"({"buses": [{"name": "can0", "dbc": ["builtin:boat.dbc"]}]})",
       "buses[0].dbc[0]: is \"builtin:boat.dbc\", which did not come with the program; there are "
       "\"builtin:outrider_vehicle.dbc\" and \"builtin:outrider_machine.dbc\""},
      {R"({"buses": [{"name": "can 0", "dbc": ["a.dbc"]}]})",
       "buses[0].name: is \"can 0\"; an interface has neither '/' nor spaces, such as \"can0\""},
      {R"({"buses": [{"name": "a-name-of-16-cha", "dbc": ["a.dbc"]}]})",
       "buses[0].name: has 16 bytes; at most 15 are allowed"},
      {R"({"buses": [{"name": "can0", "dbc": ["a.dbc"], "match": "j1939"}]})",
       "buses[0].match: is \"j1939\"; write \"auto\", \"exact\" or \"pgn\""},
      {R"({"buses": [{"name": "can0", "dbc": ["a.dbc"]}, {"name": "can0", "dbc": ["b.dbc"]}]})",
       "buses[1]: has the name \"can0\" of an earlier bus; list all its DBC files in one entry"},
  });
}

TEST_CASE("config: a rule that cannot mean anything is refused") {
  check_all({
      {R"({"signals": {"as": "y"}})", "signals: is an object; write a list of rules: [ … ]"},
      {R"({"signals": [5]})",
       "signals[0]: is the number 5; write a name such as \"EEC1.EngineSpeed\", or an object: { … }"},
      {R"({"signals": [""]})", "signals[0]: is empty; write at least one character"},
      {R"({"signals": ["A.B.C"]})",
       "signals[0]: is \"A.B.C\"; write \"SIGNAL\" or \"MESSAGE.SIGNAL\", with one dot at most"},
      {R"({"signals": [".B"]})",
       "signals[0]: is \".B\"; write \"SIGNAL\" or \"MESSAGE.SIGNAL\", with one dot at most"},
      {R"({"signals": [{}]})",
       "signals[0].signal: is missing; say which signals the rule is for, \"*\" for all"},
      {R"({"signals": [{"sginal": "A"}]})",
       "signals[0].sginal: is an unknown key; did you mean \"signal\"?\n"
       "t.json:1: signals[0].signal: is missing; say which signals the rule is for, \"*\" for all"},
      {R"({"signals": [{"signal": "A.B"}]})",
       "signals[0].signal: is \"A.B\", but names have no dot; write \"message\": \"A\", \"signal\": \"B\""},
      {R"({"signals": [{"signal": "A*", "as": "y"}]})",
       "signals[0].as: names one signal, but the rule may match many; give a signal without '*' and '?'"},
      {R"({"signals": [{"message": "M?", "signal": "A", "as": "y"}]})",
       "signals[0].as: names one signal, but the rule may match many; give a signal without '*' and '?'"},
      {R"({"signals": [{"signal": "A", "as": "seq"}]})",
       "signals[0].as: is \"seq\", which messages use for something else; choose another name"},
      {R"({"signals": [{"signal": "A", "as": "y"}, {"signal": "B", "as": "y"}]})",
       "signals[1].as: is \"y\" as in signals[0]; published names must differ"},
      {R"({"signals": [{"signal": "A", "as": ""}]})",
       "signals[0].as: is empty; write at least one character"},
      {R"({"signals": [{"signal": "A", "unit": 5}]})",
       "signals[0].unit: is the number 5; write a text in double quotes"},
      {R"({"signals": [{"signal": "A", "source_address": 254}]})",
       "signals[0].source_address: is 254; the range is 0 to 253, whole numbers only"},
      {R"({"signals": [{"signal": "A", "source_address": "0x17"}]})",
       "signals[0].source_address: is the text \"0x17\"; write a whole number from 0 to 253"},
      {R"({"signals": [{"signal": "A", "drop": "yes"}]})",
       "signals[0].drop: is the text \"yes\"; write true or false"},
      {R"({"signals": [{"signal": "A", "drop": true, "as": "y"}]})",
       "signals[0].as: means nothing beside \"drop\": true; leave one of them out"},
      {R"({"signals": [7, "B", false]})",
       "signals[0]: is the number 7; write a name such as \"EEC1.EngineSpeed\", or an object: { … }\n"
       "t.json:1: signals[2]: is false; write a name such as \"EEC1.EngineSpeed\", or an object: { … }"},
  });
}

TEST_CASE("config: sampling that keeps nothing or contradicts itself is refused") {
  check_all({
      {R"({"signals": [{"signal": "A", "on_change": false}]})",
       "signals[0].on_change: is false and there is no period, so nothing would be kept; give a period, or "
       "\"drop\": true when that is meant"},
      {R"({"signals": [{"signal": "A", "on_change": 1}]})",
       "signals[0].on_change: is the number 1; write true or false"},
      {R"({"signals": [{"signal": "A", "period": 100}]})",
       "signals[0].period: is the number 100; write a duration with its unit, such as \"500ms\" or \"20s\""},
      {R"({"signals": [{"signal": "A", "period": "0s"}]})",
       "signals[0].period: is 0s; the range is 1ms to 24h"},
      {R"({"signals": [{"signal": "A", "period": "fast"}]})",
       "signals[0].period: \"fast\" is not a duration; write a number and ms, s, min, h or d, such as "
       "\"500ms\" or \"20s\""},
      {R"({"signals": [{"signal": "A", "period": "1s", "deadband": 2}]})",
       "signals[0].deadband: has no effect on a period alone; add \"on_change\": true, or leave it out"},
      {R"({"signals": [{"signal": "A", "period": "1s", "min_interval": "1s"}]})",
       "signals[0].min_interval: has no effect on a period alone; add \"on_change\": true, or leave it out"},
      {R"({"signals": [{"signal": "A", "deadband": -1}]})", "signals[0].deadband: is -1; write 0 or more"},
      {R"({"signals": [{"signal": "A", "min_interval": "2h"}]})",
       "signals[0].min_interval: is 2h; the range is 0s to 1h"},
      {R"({"signals": [{"signal": "A", "valid": 5}]})",
       "signals[0].valid: is the number 5; write a list of two numbers: [ … ]"},
      {R"({"signals": [{"signal": "A", "valid": [5]}]})",
       "signals[0].valid: needs two bounds; write [smallest, largest]"},
      {R"({"signals": [{"signal": "A", "valid": [1, 2, 3]}]})",
       "signals[0].valid: needs two bounds; write [smallest, largest]"},
      {R"({"signals": [{"signal": "A", "valid": [8000, 0]}]})",
       "signals[0].valid: has a smallest value above the largest; write [smallest, largest]"},
      {R"({"signals": [{"signal": "A", "valid": ["0", 1]}]})",
       "signals[0].valid[0]: is the text \"0\"; write a number, or null for no bound"},
  });
}

TEST_CASE("config: buffer limits are refused outside their range, with the range") {
  check_all({
      {R"({"buffer": []})", "buffer: is a list; write an object: { … }"},
      {R"({"buffer": {"max_byte": "1MiB"}})",
       "buffer.max_byte: is an unknown key; did you mean \"max_bytes\"?"},
      {R"({"buffer": {"directory": ""}})", "buffer.directory: is empty; write at least one character"},
      {R"({"buffer": {"max_bytes": 1048576}})",
       "buffer.max_bytes: is the number 1048576; write a size with its unit, such as \"64KiB\" or "
       "\"256MiB\""},
      {R"({"buffer": {"max_bytes": "1023KiB"}})", "buffer.max_bytes: is 1023KiB; the range is 1MiB to 1TiB"},
      {R"({"buffer": {"max_bytes": "2000GiB"}})", "buffer.max_bytes: is 2000GiB; the range is 1MiB to 1TiB"},
      {R"({"buffer": {"max_bytes": "64 potatoes"}})",
       "buffer.max_bytes: \"64 potatoes\" is not a size; write a number and B, KiB, MiB, GiB, kB, MB or GB, "
       "such as \"64KiB\" or \"256MiB\""},
      {R"({"buffer": {"commit_interval": "9ms"}})",
       "buffer.commit_interval: is 9ms; the range is 10ms to 1min"},
      {R"({"buffer": {"commit_interval": "61s"}})",
       "buffer.commit_interval: is 61s; the range is 10ms to 1min"},
      {R"({"buffer": {"commit_interval": "-1s"}})",
       "buffer.commit_interval: \"-1s\" is not a duration; write a number and ms, s, min, h or d, such as "
       "\"500ms\" or \"20s\""},
      {R"({"buffer": {"max_staged_bytes": "1KiB"}})",
       "buffer.max_staged_bytes: is 1KiB; the range is 64KiB to 256MiB"},
  });
}

TEST_CASE("config: a status socket whose path the system cannot take is refused") {
  CHECK(refusal(config_text(R"({"status": {"socket": ")" + std::string(107, 'x') + R"("}})")) == "nothing");
  CHECK(refusal(config_text(R"({"status": {"socket": ")" + std::string(108, 'x') + R"("}})"))
            .find("status.socket: ") != std::string::npos);
  CHECK(refusal(config_text("{}"), {"status.socket=null"}).find("is null; write a text") !=
        std::string::npos);
}

TEST_CASE("config: what a broker would refuse is refused before") {
  check_all({
      {R"({"publish": {"brokers": null}})",
       "publish.brokers: is missing; name at least one broker: [\"mqtts://host:8883\"]"},
      {R"({"publish": {"brokers": []}})",
       "publish.brokers: is empty; name at least one broker: [\"mqtts://host:8883\"]"},
      {R"({"publish": {"brokers": "mqtt://a"}})",
       "publish.brokers: is the text \"mqtt://a\"; write a list of broker URLs: [ … ]"},
      {R"({"publish": {"brokers": ["broker"]}})",
       "publish.brokers[0]: is \"broker\", which has no \"mqtts://\" in front; write mqtts://HOST or "
       "mqtts://HOST:PORT"},
      {R"({"publish": {"brokers": ["ssl://broker"]}})",
       "publish.brokers[0]: is \"ssl://broker\", which other programs write for mqtts://; write mqtts://HOST "
       "or "
       "mqtts://HOST:PORT"},
      {R"({"publish": {"brokers": ["mqtt://localhost", "mqtt://10.0.0.5"]}})",
       "publish.brokers[1]: leads to 10.0.0.5:1883 in plain text, which everybody on the way can read and "
       "change; "
       "write mqtts://, or set publish.allow_plain_text to true if the network is protected in another way"},
      {R"({"publish": {"tls": {"certificate": "c.pem"}}})",
       "publish.tls.certificate: needs its private key beside it, as publish.tls.key"},
      {R"({"publish": {"tls": {"key": "c.key"}}})",
       "publish.tls.key: needs its certificate beside it, as publish.tls.certificate"},
      {R"({"publish": {"tls": {"minimum_version": "1.1"}}})",
       "publish.tls.minimum_version: is \"1.1\"; write \"1.2\" or \"1.3\""},
      {R"({"publish": {"tls": {"alpn": "mqtt"}}})",
       "publish.tls.alpn: is the text \"mqtt\"; write a list of protocol names: [ … ]"},
      {R"({"publish": {"mqtt": 5}})", "publish.mqtt: is the number 5; write \"5\" or \"3.1.1\""},
      {R"({"publish": {"mqtt": "4"}})", "publish.mqtt: is \"4\"; write \"5\" or \"3.1.1\""},
      {R"({"publish": {"client_id": "$me"}})",
       "publish.client_id: begins with '$', which is reserved for the broker; begin with another character"},
      {R"({"publish": {"client_id": ""}})", "publish.client_id: is empty; write at least one character"},
      {R"({"publish": {"password_file": "pw"}})",
       "publish.password_file: needs a username beside it; MQTT has no password without one"},
      {R"({"publish": {"layout": "rows"}})", "publish.layout: is \"rows\"; write \"columns\" or \"records\""},
      {R"({"publish": {"max_message": "7KiB"}})", "publish.max_message: is 7KiB; the range is 8KiB to 16MiB"},
      {R"({"publish": {"max_message": "17MiB"}})",
       "publish.max_message: is 17MiB; the range is 8KiB to 16MiB"},
      {R"({"publish": {"max_in_flight": 0}})",
       "publish.max_in_flight: is 0; the range is 1 to 65535, whole numbers only"},
      {R"({"publish": {"max_in_flight": 70000}})",
       "publish.max_in_flight: is 70000; the range is 1 to 65535, whole numbers only"},
      {R"({"publish": {"max_messages_per_second": 0}})",
       "publish.max_messages_per_second: is 0; the range is 1 to 100000, whole numbers only"},
      {R"({"publish": {"max_messages_per_second": 0.5}})",
       "publish.max_messages_per_second: is 0.5; the range is 1 to 100000, whole numbers only"},
      {R"({"publish": {"max_bytes_per_second": "100B"}})",
       "publish.max_bytes_per_second: is 100B; the range is 1KiB to 1GiB"},
      {R"({"publish": {"max_bytes_per_second": 1000}})",
       "publish.max_bytes_per_second: is the number 1000; write a size with its unit, such as \"64KiB\" or "
       "\"256MiB\""},
      {R"({"publish": {"keep_alive": "4s"}})", "publish.keep_alive: is 4s; the range is 5s to 65535s"},
      {R"({"publish": {"keep_alive": "20h"}})", "publish.keep_alive: is 20h; the range is 5s to 65535s"},
      {R"({"publish": {"keep_alive": "5500ms"}})",
       "publish.keep_alive: is 5500ms; write whole seconds, such as \"30s\""},
      {R"({"publish": {"connect_timeout": "0s"}})",
       "publish.connect_timeout: is 0s; the range is 1s to 10min"},
      {R"({"publish": {"ack_timeout": "1h"}})", "publish.ack_timeout: is 1h; the range is 1s to 10min"},
      {R"({"publish": {"backoff": {"base": "10s", "cap": "5s"}}})",
       "publish.backoff.base: is longer than cap; base is the first wait, cap the longest"},
      {R"({"publish": {"backoff": {"cap": "500ms"}}})",
       "publish.backoff.cap: is shorter than base, which is 1s unless given; base is the first wait, cap the "
       "longest"},
      {R"({"publish": {"backoff": {"bas": "1s"}}})",
       "publish.backoff.bas: is an unknown key; did you mean \"base\"?"},
  });
  const std::string long_id(129, 'c');
  CHECK(refusal(config_text(R"({"publish": {"client_id": ")" + long_id + "\"}}")) ==
        "t.json:1: publish.client_id: has 129 bytes; at most 128 are allowed");
  CHECK(refusal(config_text(R"({"vehicle_id": ")" + std::string(120, 'v') + "\"}")) ==
        "t.json:1: publish.client_id: would be \"outrider-\" and the vehicle_id, which has 129 bytes; write "
        "one of at most 128");
}

TEST_CASE("config: a topic template that brokers would refuse or that mixes streams is refused") {
  check_all({
      {R"({"publish": {"topic": "a/{channel}"}})",
       "publish.topic: lacks {vehicle_id}; write for example \"outrider/{vehicle_id}/{channel}\""},
      {R"({"publish": {"topic": "a/{vehicle_id}"}})",
       "publish.topic: lacks {channel}; write for example \"outrider/{vehicle_id}/{channel}\""},
      {R"({"publish": {"topic": "a/{vehicle}/{channel}"}})",
       "publish.topic: has the unknown placeholder \"{vehicle}\"; did you mean \"{vehicle_id}\"?"},
      {R"({"publish": {"topic": "a/{vehicle_id/{channel}"}})",
       "publish.topic: has a brace without its partner; the placeholders are {vehicle_id} and {channel}"},
      {R"({"publish": {"topic": "a/vehicle_id}/{channel}"}})",
       "publish.topic: has a brace without its partner; the placeholders are {vehicle_id} and {channel}"},
      {R"({"publish": {"topic": "+/{vehicle_id}/{channel}"}})",
       "publish.topic: holds a wildcard, '+' or '#', which only a subscription may; leave it out"},
      {R"({"publish": {"topic": "#{vehicle_id}/{channel}"}})",
       "publish.topic: holds a wildcard, '+' or '#', which only a subscription may; leave it out"},
      {R"({"publish": {"topic": "$SYS/{vehicle_id}/{channel}"}})",
       "publish.topic: begins with '$', which is reserved for the broker; begin with a plain name (or "
       "\"$aws/rules/NAME/…\")"},
      {R"({"publish": {"topic": "$aws/rules/{vehicle_id}{channel}"}})",
       "publish.topic: begins with '$', which is reserved for the broker; begin with a plain name (or "
       "\"$aws/rules/NAME/…\")"},
      {R"({"publish": {"topic": "1/2/3/4/5/6/7/{vehicle_id}/{channel}"}})",
       "publish.topic: has 8 slashes; at most 7 are allowed"},
      {R"({"publish": {"topic": "a\n/{vehicle_id}/{channel}"}})",
       "publish.topic: is \"a?/{vehicle_id}/{channel}\", which holds a control character; write printable "
       "characters only"},
  });
  const std::string topic = std::string(250, 't') + "/{vehicle_id}/{channel}";
  CHECK(refusal(config_text(R"({"publish": {"topic": ")" + topic + "\"}}")) ==
        "t.json:1: publish.topic: has 269 bytes with vehicle and channel; at most 256 are allowed");
}

TEST_CASE("config: all problems of a file are told at once, in its order and with their lines") {
  const std::string text =
      "{\n"
      "  \"vehicle_id\": \"\",\n"
      "  \"buses\": [\n"
      "    {\"name\": \"can0\",\n"
      "     \"dbc\": 5}],\n"
      "  \"log\": {\"level\": \"loud\"},\n"
      "  \"publish\": {\n"
      "    \"brokers\": [\"mqtts://a\",\n"
      "      \"b\"],\n"
      "    \"max_in_flight\": 0\n"
      "  },\n"
      "  \"bufer\": {}\n"
      "}\n";
  CHECK(refusal(text) ==
        "t.json:2: vehicle_id: is empty; write at least one character\n"
        "t.json:5: buses[0].dbc: is the number 5; write a list of file names: [ … ]\n"
        "t.json:6: log.level: is \"loud\"; write \"error\", \"warning\", \"notice\", \"info\" or \"debug\"\n"
        "t.json:9: publish.brokers[1]: is \"b\", which has no \"mqtts://\" in front; write mqtts://HOST or "
        "mqtts://HOST:PORT\n"
        "t.json:10: publish.max_in_flight: is 0; the range is 1 to 65535, whole numbers only\n"
        "t.json:12: bufer: is an unknown key; did you mean \"buffer\"?");
}

TEST_CASE("config: a flood of problems is cut with their number") {
  std::string text = R"({"signals": [)";
  for (int i = 0; i < 200; ++i) text += std::string(i == 0 ? "" : ",") + "\n1";
  const std::string refused = refusal(config_text("{}").insert(1, text.substr(1) + "],"));
  CHECK(refused.find("t.json:50: signals[48]: ") != std::string::npos);
  CHECK(refused.find("t.json: and 150 more; mend these first") != std::string::npos);
  CHECK(refused.find("signals[50]") == std::string::npos);
}

}  // namespace
}  // namespace outrider
