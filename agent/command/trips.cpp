// SPDX-License-Identifier: Apache-2.0
// The three ways to run the agent: they differ in where frames come from, and in nothing else.
#include <cstdio>

#include "agent/command/drive.h"
#include "agent/decode/frame_encoder.h"

namespace outrider {
namespace {

std::vector<std::string> bus_names(const Config& config) {
  std::vector<std::string> names;
  for (const BusConfig& bus : config.buses) names.push_back(bus.name);
  return names;
}

std::vector<std::string> vehicle_ids(const std::string& base, int vehicles) {
  if (vehicles == 1) return {base};
  std::vector<std::string> ids;
  for (int i = 1; i <= vehicles; ++i) ids.push_back(base + "-" + std::to_string(i));
  return ids;
}

/// Configuration and DBC files, or an exit code after the reason was said.
struct Prepared {
  Trip trip;
  int exit_code = kExitFine;
};

Prepared prepare(const AgentArguments& arguments) {
  Prepared prepared;
  const auto refuse = [&](const Error& error) {
    std::fprintf(stderr, "outrider: %s\n", error.text.c_str());
    prepared.exit_code = kExitBadInput;
    return prepared;
  };
  auto config = load_config(arguments.config, arguments.overrides);
  if (!config) return refuse(config.error());
  auto files = load_bus_files(*config);
  if (!files) return refuse(files.error());
  prepared.trip.config = std::move(*config);
  prepared.trip.files = std::move(*files);
  prepared.trip.vehicle_ids = {prepared.trip.config.vehicle_id};
  prepared.trip.is_quiet = arguments.is_quiet;
  return prepared;
}

int drive_log(Trip& trip, const std::string& log, std::optional<double> speed, World& world) {
  auto feed = world.open_log({.vehicles = 1, .bus_names = bus_names(trip.config)}, log, speed);
  if (!feed) {
    std::fprintf(stderr, "outrider: %s\n", feed.error().text.c_str());
    return kExitBadInput;
  }
  trip.port = feed->port.get();
  trip.clock = feed->clock.get();
  trip.summary = feed->summary;
  trip.is_log = true;
  return drive(trip, world);
}

}  // namespace

int run_simulate(const SimulateArguments& arguments, World& world) {
  Prepared prepared = prepare(arguments);
  if (prepared.exit_code != kExitFine) return prepared.exit_code;
  Trip& trip = prepared.trip;
  std::vector<std::shared_ptr<const Dbc>> all;
  for (const auto& bus : trip.files) all.insert(all.end(), bus.begin(), bus.end());
  const DbcFrameEncoder encoder(all);
  const auto port =
      world.make_simulation({.vehicles = arguments.vehicles, .bus_names = bus_names(trip.config)},
                            trip.config.simulator, arguments.length, encoder);
  trip.vehicle_ids = vehicle_ids(trip.config.vehicle_id, arguments.vehicles);
  trip.port = port.get();
  trip.clock = world.clock.get();
  trip.outages = arguments.outages;
  trip.drain = arguments.drain;
  return drive(trip, world);
}

int run_replay(const ReplayArguments& arguments, World& world) {
  Prepared prepared = prepare(arguments);
  if (prepared.exit_code != kExitFine) return prepared.exit_code;
  prepared.trip.outages = arguments.outages;
  prepared.trip.drain = arguments.drain;
  return drive_log(prepared.trip, arguments.log, arguments.speed, world);
}

int run_run(const RunArguments& arguments, World& world) {
  Prepared prepared = prepare(arguments);
  if (prepared.exit_code != kExitFine) return prepared.exit_code;
  prepared.trip.drain = arguments.drain;
  // Lines of a live candump come at their own pace.
  return drive_log(prepared.trip, arguments.input, std::nullopt, world);
}

}  // namespace outrider
