// SPDX-License-Identifier: Apache-2.0
// config.schema.json is what editors believe; here it is held against what the parser does.
#include <doctest/doctest.h>

#include <fstream>
#include <set>

#include "agent/base/quantity.h"
#include "agent/config/keys.h"
#include "tests/unit/config/config_text.h"

namespace outrider {
namespace {

using Json = nlohmann::json;

Json read_schema() {
  std::ifstream file(OUTRIDER_CONFIG_DIR "/schema/config.schema.json", std::ios::binary);
  REQUIRE(file);
  Json schema = Json::parse(file, nullptr, false);
  REQUIRE(schema.is_object());
  return schema;
}

/// The part of the schema that describes one of our objects: "publish.backoff" and so on.
const Json& object_schema(const Json& schema, std::string_view path) {
  if (path == "buses[]") return schema["properties"]["buses"]["items"];
  if (path == "signals[]") return schema["$defs"]["rule"];
  const Json* at = &schema;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    at = &(*at)["properties"][std::string(path.substr(begin, end - begin))];
    begin = end + 1;
  }
  return *at;
}

/// Calls `visit(object path, key, its schema)` for every key of every object.
template <class Visit>
void for_each_key(const Json& schema, Visit visit) {
  for (const ConfigObject& object : config_objects()) {
    const Json& properties = object_schema(schema, object.path)["properties"];
    for (const auto& [key, value] : properties.items()) visit(std::string(object.path), key, value);
  }
}

/// A good configuration with one key of one object set to `value`.
std::string with_value(std::string path, const std::string& key, const Json& value) {
  Json config = Json::parse(config_text(R"({"signals": [{"signal": "A"}],
                                            "publish": {"backoff": {"base": "10ms", "cap": "24h"}}})"));
  Json* at = &config;
  if (path == "buses[]" || path == "signals[]") {
    at = &config[path.substr(0, path.size() - 2)][0];
  } else if (!path.empty()) {
    for (char& c : path) c = c == '.' ? '/' : c;
    at = &config[Json::json_pointer("/" + path)];
  }
  (*at)[key] = value;
  return config.dump();
}

/// Every value of a configuration that has a default, as one text.
std::string describe(const Config& config) {
  const auto& [brokers, allows_plain_text, tls, version, client_id, username, password_file, topic, layout,
               max_message, max_in_flight, max_messages_per_second, max_bytes_per_second, keep_alive,
               connect_timeout, ack_timeout, backoff, stable_after] = config.publish;
  const SignalRule& rule = config.signals.at(0);
  const Json values = {config.vehicle_id,
                       static_cast<int>(config.buses.at(0).matching),
                       rule.message,
                       rule.signal,
                       rule.is_dropped,
                       rule.is_on_change,
                       rule.deadband,
                       rule.min_interval.count(),
                       config.buffer.directory,
                       config.buffer.max_bytes,
                       config.buffer.commit_interval.count(),
                       config.buffer.max_staged_bytes,
                       allows_plain_text,
                       tls.ca + tls.crl + tls.certificate + tls.key + tls.server_name,
                       static_cast<int>(tls.minimum_version),
                       static_cast<int>(version),
                       client_id,
                       username,
                       password_file,
                       topic,
                       static_cast<int>(layout),
                       max_message,
                       max_in_flight,
                       max_messages_per_second.value_or(0),
                       max_bytes_per_second.value_or(0),
                       keep_alive.count(),
                       connect_timeout.count(),
                       ack_timeout.count(),
                       backoff.base.count(),
                       backoff.cap.count(),
                       stable_after.count(),
                       static_cast<int>(config.simulator.model),
                       config.simulator.seed,
                       config.clock.trusts_system_time,
                       static_cast<int>(config.log_level)};
  return values.dump();
}

/// The written amounts that are just below and just above a range.
struct Beyond {
  std::string below;  ///< Empty when there is none.
  std::string above;
};

Beyond beyond_of(const std::string& key, const std::string& smallest, const std::string& largest) {
  const Result<milliseconds> low = parse_duration(smallest);
  if (low) {
    const milliseconds step = key == "keep_alive" ? milliseconds(1000) : milliseconds(1);
    const Result<milliseconds> high = parse_duration(largest);
    REQUIRE(high);
    return {*low > milliseconds(0) ? std::to_string((*low - step).count()) + "ms" : "",
            std::to_string((*high + step).count()) + "ms"};
  }
  const Result<std::uint64_t> low_size = parse_size(smallest);
  const Result<std::uint64_t> high_size = parse_size(largest);
  REQUIRE((low_size && high_size));
  return {*low_size > 0 ? std::to_string(*low_size - 1) + "B" : "", std::to_string(*high_size + 1) + "B"};
}

void check_range(const std::string& path, const std::string& key, const std::string& smallest,
                 const std::string& largest) {
  CHECK(refusal(with_value(path, key, smallest)) == "nothing");
  CHECK(refusal(with_value(path, key, largest)) == "nothing");
  const Beyond beyond = beyond_of(key, smallest, largest);
  const bool has_below = !beyond.below.empty();
  if (has_below)
    CHECK(refusal(with_value(path, key, beyond.below)).find("the range is") != std::string::npos);
  CHECK(refusal(with_value(path, key, beyond.above)).find("the range is") != std::string::npos);
}

TEST_CASE("config schema: it has the parser's keys, and no others") {
  const Json schema = read_schema();
  for (const ConfigObject& object : config_objects()) {
    CAPTURE(std::string(object.path));
    std::set<std::string> described;
    for (const auto& [key, value] : object_schema(schema, object.path)["properties"].items())
      described.insert(key);
    const std::set<std::string> known(object.keys.begin(), object.keys.end());
    CHECK(described == known);
    CHECK(object_schema(schema, object.path)["additionalProperties"] == false);
  }
}

TEST_CASE("config schema: it describes no object that the parser does not know") {
  const Json flat = read_schema().flatten();
  std::size_t objects = 0;
  for (const auto& [pointer, value] : flat.items())
    if (pointer.ends_with("/additionalProperties")) ++objects;
  CHECK(objects == config_objects().size());
}

TEST_CASE("config schema: every key is described for people") {
  for_each_key(read_schema(), [](const std::string& path, const std::string& key, const Json& value) {
    CAPTURE(path);
    CAPTURE(key);
    CHECK(value.contains("description"));
  });
}

TEST_CASE("config schema: its defaults are the parser's") {
  const Json schema = read_schema();
  const Result<Config> plain = parse(with_value("buses[]", "name", "can0"));
  REQUIRE(plain);
  int defaults = 0;
  for_each_key(schema, [&](const std::string& path, const std::string& key, const Json& value) {
    if (!value.contains("default") || path == "publish.backoff") return;
    CAPTURE(path);
    CAPTURE(key);
    // The rule of `plain` is for the signal "A", so that one default cannot be seen this way.
    if (path == "signals[]" && key == "signal") return;
    ++defaults;
    const Result<Config> config = parse(with_value(path, key, value["default"]));
    REQUIRE(config);
    CHECK(describe(*config) == describe(*plain));
  });
  CHECK(defaults == 24);

  const Json& backoff = object_schema(schema, "publish.backoff")["properties"];
  const Result<Config> smallest = parse(config_text("{}"));
  REQUIRE(smallest);
  CHECK(smallest->publish.backoff.base == *parse_duration(backoff["base"]["default"].get<std::string>()));
  CHECK(smallest->publish.backoff.cap == *parse_duration(backoff["cap"]["default"].get<std::string>()));
}

TEST_CASE("config schema: its ranges are the parser's, to the last step") {
  int ranges = 0;
  for_each_key(read_schema(), [&](const std::string& path, const std::string& key, const Json& value) {
    CAPTURE(path);
    CAPTURE(key);
    if (value.contains("x-range")) {
      ++ranges;
      check_range(path, key, value["x-range"][0], value["x-range"][1]);
    }
    if (!value.contains("maximum")) return;
    ++ranges;
    const auto smallest = value["minimum"].get<std::int64_t>();
    const auto largest = value["maximum"].get<std::int64_t>();
    CHECK(refusal(with_value(path, key, smallest)) == "nothing");
    CHECK(refusal(with_value(path, key, largest)) == "nothing");
    CHECK(refusal(with_value(path, key, smallest - 1)).find("the range is") != std::string::npos);
    CHECK(refusal(with_value(path, key, largest + 1)).find("the range is") != std::string::npos);
  });
  CHECK(ranges == 20);
}

TEST_CASE("config schema: its words are the parser's") {
  int choices = 0;
  for_each_key(read_schema(), [&](const std::string& path, const std::string& key, const Json& value) {
    if (!value.contains("enum")) return;
    CAPTURE(path);
    CAPTURE(key);
    ++choices;
    std::string last;
    for (const Json& word : value["enum"]) {
      last = word.get<std::string>();
      CHECK(refusal(with_value(path, key, last)) == "nothing");
    }
    const std::string refused = refusal(with_value(path, key, last + "?"));
    for (const Json& word : value["enum"])
      CHECK(refused.find("\"" + word.get<std::string>() + "\"") != std::string::npos);
  });
  CHECK(choices == 6);
}

TEST_CASE("config schema: what it requires is required") {
  const Json schema = read_schema();
  for (const char* path : {"", "buses[]", "publish"}) {
    for (const Json& key : object_schema(schema, path)["required"]) {
      CAPTURE(path);
      CAPTURE(key.get<std::string>());
      Json config = Json::parse(config_text("{}"));
      Json& object = *path == 'b' ? config["buses"][0] : *path == 'p' ? config["publish"] : config;
      object.erase(key.get<std::string>());
      CHECK(refusal(config.dump()).find(key.get<std::string>() + ": is missing; ") != std::string::npos);
    }
  }
}

}  // namespace
}  // namespace outrider
