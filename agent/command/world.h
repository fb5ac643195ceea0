// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/bell.h"
#include "agent/command/arguments.h"
#include "agent/config/config.h"
#include "agent/ports/broker.h"
#include "agent/ports/can_port.h"
#include "agent/ports/clock.h"
#include "agent/ports/frame_encoder.h"
#include "agent/ports/message_source.h"
#include "agent/ports/request_port.h"
#include "agent/ports/small_file.h"

namespace outrider {

/// Whom a feed of frames has to serve; frame.bus = vehicle * bus_names.size() + bus.
struct FeedRequest {
  int vehicles = 1;
  std::vector<std::string> bus_names;
};

/// A log as a feed of frames.
struct LogFeed {
  std::unique_ptr<CanPort> port;
  std::unique_ptr<Clock> clock;          ///< Real timers, the log's stamps.
  std::function<std::string()> summary;  ///< Lines, frames and what was left out, for people.
};

/// How the commands reach the world. Filled in by main, the only file that sees both agent/ and platform/.
struct World {
  std::unique_ptr<Clock> clock;
  std::function<void()> trust_system_time;  ///< From now on `clock` takes any plausible date for right.
  std::function<std::unique_ptr<Broker>()> make_broker;
  std::function<std::unique_ptr<MessageSource>(const SubscribeRequest&)> subscribe;
  std::function<std::unique_ptr<SmallFile>(const std::string& path)> make_small_file;
  /// Never in place of another. Errors: kReject.
  std::function<Status(const std::string& path, std::string_view text, Readers)> create_file;
  std::function<std::unique_ptr<CanPort>(const FeedRequest&, const SimulatorConfig&,
                                         std::optional<milliseconds> length, const FrameEncoder&)>
      make_simulation;
  std::function<Result<LogFeed>(const FeedRequest&, const std::string& path, std::optional<double> speed)>
      open_log;
  /// Whether the link passes at a time since the start, by the scripted outages.
  std::function<std::function<bool(nanoseconds)>(const std::vector<Outage>&)> make_outages;
  /// Questions that come in over the Unix socket at `path`.
  std::function<std::unique_ptr<RequestPort>(const std::string& path)> listen;
  /// Asks the agent that listens there. Errors: kRetry when none does.
  std::function<Result<std::string>(const std::string& path, const std::string& line)> ask;

  BootTime started{};                       ///< When the process began to work.
  Bell* bell = nullptr;                     ///< Wakes the loop.
  const std::atomic<bool>* stop = nullptr;  ///< Set, and the bell rung, by SIGINT and SIGTERM.
  bool is_terminal = false;                 ///< Standard error is one: a progress line makes sense.
  std::uint64_t random = 0;                 ///< Fresh at every start.
};

}  // namespace outrider
