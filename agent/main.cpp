// SPDX-License-Identifier: Apache-2.0
// Arguments, wiring, exit code. The only file that sees both agent/ and platform/.
#include <cstdio>
#include <exception>
#include <iostream>
#include <random>

#include "agent/command/arguments.h"
#include "agent/command/buffer.h"
#include "agent/command/check.h"
#include "agent/command/decode.h"
#include "agent/command/drive.h"
#include "agent/command/key.h"
#include "agent/command/status.h"
#include "agent/command/verify.h"
#include "agent/command/world.h"
#include "agent/config/broker_url.h"
#include "agent/decode/candump.h"
#include "agent/secure/digest.h"
#include "agent/secure/tls_client.h"
#include "agent/store/sqlite.h"
#include "platform/linux/clock.h"
#include "platform/linux/process.h"
#include "platform/linux/request_client.h"
#include "platform/linux/request_server.h"
#include "platform/linux/small_file.h"
#include "platform/linux/stop_signal.h"
#include "platform/paho/paho_broker.h"
#include "platform/paho/paho_source.h"
#include "platform/simulated/log_clock.h"
#include "platform/simulated/log_port.h"
#include "platform/simulated/outages.h"
#include "platform/simulated/simulated_bus.h"

namespace outrider {
namespace {

constexpr int kStandardError = 2;

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;  // clang 14 does not deduce it

std::optional<LogFrame> parse_log_line(std::string_view line) {
  if (const auto drops = parse_candump_drops(line))
    return LogFrame{.frame = {}, .interface = drops->interface, .lost = drops->frames};
  const auto parsed = parse_candump_line(line);
  if (!parsed) return std::nullopt;
  return LogFrame{.frame = parsed->frame, .interface = parsed->interface, .lost = 0};
}

std::string summary_of(const LogCounters& counters) {
  return std::to_string(counters.lines) + " lines, " + std::to_string(counters.frames) + " frames, " +
         std::to_string(counters.junk_lines) + " junk lines, " + std::to_string(counters.unknown_interfaces) +
         " frames of other interfaces, " + std::to_string(counters.steps_back) + " steps back in time";
}

Result<LogFeed> open_log(const Clock& clock, const FeedRequest& request, const std::string& path,
                         std::optional<double> speed) {
  auto opened =
      LogPort::open({.path = path, .buses = request.bus_names, .speed = speed}, parse_log_line, clock);
  if (!opened) return opened.error();
  const LogPort& port = **opened;
  return LogFeed{.port = std::move(*opened),
                 .clock = std::make_unique<LogClock>(clock, port, path),
                 .summary = [&port] { return summary_of(port.counters()); }};
}

std::unique_ptr<CanPort> make_simulation(const Clock& clock, const FeedRequest& request,
                                         const SimulatorConfig& simulator, std::optional<milliseconds> length,
                                         const FrameEncoder& encoder) {
  const SimulatedBusOptions options{
      .model = simulator.model == ModelKind::kMachine ? SimulatedModel::kMachine : SimulatedModel::kVehicle,
      .devices = static_cast<std::uint16_t>(request.vehicles),
      .buses_per_device = static_cast<std::uint16_t>(request.bus_names.size()),
      .seed = simulator.seed,
      .length = length};
  return std::make_unique<SimulatedBus>(options, encoder, clock);
}

std::function<bool(nanoseconds)> make_outages(const std::vector<Outage>& scripted) {
  std::vector<OutageWindow> windows;
  windows.reserve(scripted.size());
  for (const Outage& outage : scripted) windows.push_back({.start = outage.start, .length = outage.length});
  return [outages = Outages(windows)](nanoseconds elapsed) { return outages.is_passing(elapsed); };
}

World make_world(Bell& bell, const StopSignal& stop) {
  World world;
  auto linux_clock = std::make_unique<LinuxClock>();
  LinuxClock& clock = *linux_clock;
  world.clock = std::move(linux_clock);
  world.trust_system_time = [&clock] { clock.trust_wall_clock(); };
  world.started = clock.now();
  world.make_broker = [&bell] { return std::make_unique<PahoBroker>(bell, make_tls_client()); };
  world.subscribe = [](const SubscribeRequest& request) {
    return std::make_unique<PahoSource>(request, make_tls_client());
  };
  world.make_small_file = [](const std::string& path) { return std::make_unique<PosixSmallFile>(path); };
  world.create_file = create_file;
  world.make_simulation = [&clock](const auto& request, const auto& simulator, auto length,
                                   const auto& encoder) {
    return make_simulation(clock, request, simulator, length, encoder);
  };
  world.open_log = [&clock](const auto& request, const auto& path, auto speed) {
    return open_log(clock, request, path, speed);
  };
  world.make_outages = make_outages;
  world.listen = [&bell](const std::string& path) { return std::make_unique<RequestServer>(path, bell); };
  world.ask = [](const std::string& path, const std::string& line) { return ask_agent(path, line); };
  world.bell = &bell;
  world.stop = &stop.flag();
  world.is_terminal = is_terminal(kStandardError);
  world.random = (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  return world;
}

int verify(const VerifyArguments& arguments, const World& world) {
  const auto address = parse_broker_url(arguments.broker);
  if (!address) {
    std::fprintf(stderr, "outrider: --broker: %s\n", address.error().text.c_str());
    return kExitUsage;
  }
  const auto plain = plain_text_problem(*address, "give --allow-plain-text");
  if (plain && !arguments.allows_plain_text) {
    std::fprintf(stderr, "outrider: --broker: %s\n", plain->c_str());
    return kExitUsage;
  }
  const auto password = read_password(arguments.password_file);
  if (!password) {
    std::fprintf(stderr, "outrider: --password-file: %s\n", password.error().text.c_str());
    return kExitBadInput;
  }
  const auto source = world.subscribe({.address = *address,
                                       .tls = arguments.tls,
                                       .version = arguments.is_mqtt311 ? MqttVersion::k311 : MqttVersion::k5,
                                       .client_id = arguments.client_id,
                                       .username = arguments.username,
                                       .password = *password,
                                       .topic_filter = arguments.topic});
  VerifyArguments shown = arguments;
  shown.is_quiet = arguments.is_quiet || !world.is_terminal;
  return run_verify(
      shown, *source, [&world] { return world.clock->wall_now(); }, *world.stop, stdout, stderr);
}

int print_versions() {
  std::printf("outrider %s\n%s\nSQLite %s\nmbedTLS %s\n", OUTRIDER_VERSION, paho_version().c_str(),
              sqlite_version().c_str(), mbedtls_version().c_str());
  return kExitFine;
}

int run_command(const Arguments& arguments) {
  Bell bell;
  const StopSignal stop(bell);  // before any other thread
  World world = make_world(bell, stop);
  return std::visit(
      Overloaded{[&](const RunArguments& run) { return run_run(run, world); },
                 [&](const SimulateArguments& simulate) { return run_simulate(simulate, world); },
                 [&](const ReplayArguments& replay) { return run_replay(replay, world); },
                 [&](const VerifyArguments& verifying) { return verify(verifying, world); },
                 [&](const DecodeArguments& decode) {
                   return run_decode(decode, std::cin, stdout, stderr, stop.flag());
                 },
                 [&](const CheckArguments& check) {
                   return run_check(check, world.clock->wall_now(), stdout, stderr);
                 },
                 [&](const StatusArguments& status) { return run_status(status, world, stdout, stderr); },
                 [&](const BufferArguments& buffer) { return run_buffer(buffer, world, stdout, stderr); },
                 [&](const KeyArguments& key) { return run_key(key, world, stdout, stderr); },
                 [](const VersionArguments&) { return print_versions(); }},
      arguments);
}

}  // namespace
}  // namespace outrider

int main(int argc, char** argv) {
  outrider::prepare_process();
  try {
    const auto parsed = outrider::parse_arguments(argc, argv);
    const int* const refused = std::get_if<int>(&parsed);
    const int exit_code =
        refused != nullptr ? *refused : outrider::run_command(std::get<outrider::Arguments>(parsed));
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
    std::fputs("outrider: the result could not be written to standard output\n", stderr);
  } catch (const std::exception& error) {  // no memory, no threads: a library had no other way to say so
    std::fprintf(stderr, "outrider: the system gave up: %s; is a limit (ulimit) too low?\n", error.what());
  }
  return outrider::kExitCannotStart;
}
