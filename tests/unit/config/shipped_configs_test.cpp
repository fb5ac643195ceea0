// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "agent/config/config.h"

namespace outrider {
namespace {

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::set<std::string> names_of(const Config& config) {
  std::set<std::string> names;
  for (const SignalRule& rule : config.signals)
    if (rule.as) names.insert(*rule.as);
  return names;
}

TEST_CASE("shipped configurations: every file of config/ is good, and its DBC files are there") {
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(OUTRIDER_CONFIG_DIR)) {
    if (entry.path().extension() != ".json") continue;
    CAPTURE(entry.path().string());
    const Result<Config> config = load_config(entry.path().string(), {});
    if (!config) FAIL_CHECK(config.error().text);
    if (!config) continue;
    ++seen;
    for (const BusConfig& bus : config->buses)
      for (const DbcSource& dbc : bus.dbc) CHECK(std::filesystem::exists(dbc.path));
  }
  CHECK(seen == 5);
}

TEST_CASE("shipped configurations: the names that pipelines rely on are published") {
  const std::set<std::string> vehicle{
      "latitude",     "longitude",    "engine_rpm", "engine_temp", "fuel_level", "odometer_km",    "speed",
      "deceleration", "acceleration", "altitude",   "heading",     "gear",       "battery_voltage"};
  const std::set<std::string> machine{"spindle_speed", "motor_current", "vibration",    "bearing_temperature",
                                      "coolant_flow",  "cycle_count",   "machine_state"};
  const auto check_names = [](const char* file, const std::set<std::string>& wanted) {
    CAPTURE(file);
    const Result<Config> config = load_config(std::string(OUTRIDER_CONFIG_DIR "/") + file, {});
    REQUIRE(config);
    const std::set<std::string> names = names_of(*config);
    for (const std::string& name : wanted) CHECK_MESSAGE(names.count(name) == 1, name);
  };
  check_names("simulator.json", vehicle);
  check_names("vehicle.json", vehicle);
  check_names("raspberry-pi.json", vehicle);
  check_names("factory.json", machine);
}

TEST_CASE("builtin: the files inside the program are those of config/") {
  for (const char* name : {"simulator.json", "outrider_vehicle.dbc", "outrider_machine.dbc"}) {
    CAPTURE(name);
    REQUIRE(builtin_file(name));
    CHECK(*builtin_file(name) == read(std::string(OUTRIDER_CONFIG_DIR "/") + name));
  }
  CHECK_FALSE(builtin_file("vehicle.json"));
  CHECK_FALSE(builtin_file(""));
}

TEST_CASE("builtin: the simulator's configuration needs no file at all") {
  const Result<Config> config = load_config("builtin:simulator", {"vehicle_id=demo"});
  REQUIRE(config);
  CHECK(config->vehicle_id == "demo");
  CHECK(config->buffer.directory == "outrider-state");
  CHECK(config->publish.brokers[0].text() == "127.0.0.1:1883");
  REQUIRE(config->buses[0].dbc.size() == 1);
  CHECK(config->buses[0].dbc[0].path.empty());
  CHECK(config->buses[0].dbc[0].builtin == *builtin_file("outrider_vehicle.dbc"));
}

TEST_CASE("builtin: other DBC files can be set over it, relative to the working directory") {
  const Result<Config> config = load_config("builtin:simulator", {"buses[0].dbc=[\"my/own.dbc\"]"});
  REQUIRE(config);
  CHECK(config->buses[0].dbc[0].path == "my/own.dbc");
  CHECK(config->buses[0].dbc[0].builtin.empty());
}

}  // namespace
}  // namespace outrider
