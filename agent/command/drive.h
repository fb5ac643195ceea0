// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/command/world.h"
#include "agent/lane.h"

namespace outrider {

/// One run of the agent, wherever its frames come from.
struct Trip {
  Config config;
  std::vector<std::string> vehicle_ids;
  BusFiles files;
  CanPort* port = nullptr;  ///< Borrowed.
  Clock* clock = nullptr;   ///< Borrowed.
  std::vector<Outage> outages;
  milliseconds drain{0};  ///< After the last frame: wait at most this long until nothing waits any more.
  bool is_quiet = false;
  bool is_log = false;                   ///< An input without a single frame is a mistake worth a sentence.
  std::function<std::string()> summary;  ///< Of the input, for people; may be empty.
};

/// Runs the agent until the feed ends or a signal says stop; ends with one JSON line on standard output.
/// Returns an ExitCode.
int drive(const Trip& trip, World& world);

/// One DBC file, from its path or from the program itself.
Result<Dbc> load_dbc_source(const DbcSource& source);

/// Every DBC file of the configuration; warnings go to the log.
Result<BusFiles> load_bus_files(const Config& config);

/// First line of a file; an empty path is an empty password.
Result<std::string> read_password(const std::string& path);

/// What it means that publish.allow_plain_text was needed.
std::vector<std::string> plain_text_warnings(const PublishConfig& publish);

int run_run(const RunArguments& arguments, World& world);
int run_simulate(const SimulateArguments& arguments, World& world);
int run_replay(const ReplayArguments& arguments, World& world);

}  // namespace outrider
