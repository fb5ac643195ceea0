// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/ports/can_port.h"
#include "agent/ports/clock.h"
#include "platform/simulated/line_reader.h"
#include "platform/simulated/waiter.h"

namespace outrider {

/// One frame of a log. `frame.time` is the log's stamp: nanoseconds since 1970, or since the log's own zero.
struct LogFrame {
  CanFrame frame;
  std::string_view interface;  ///< Into the line.
  /// Not 0: the line is no frame but says that so many of this interface were lost before they could be written.
  std::uint64_t lost = 0;
};
/// Reads one line; nullopt: it is not a frame.
using LogParser = std::function<std::optional<LogFrame>(std::string_view line)>;

struct LogPortOptions {
  std::string path;                ///< "-" is standard input.
  std::vector<std::string> buses;  ///< Interface names by bus index, at least one.
  std::optional<double> speed{1};  ///< 2: twice as fast as it was; absent: as fast as possible. Above 0.
};

struct LogCounters {
  std::uint64_t lines = 0;
  std::uint64_t frames = 0;              ///< Handed over or about to be.
  std::uint64_t junk_lines = 0;          ///< Neither a frame nor blank nor a '#' comment; overlong lines too.
  std::uint64_t unknown_interfaces = 0;  ///< Frames of an interface that is no bus of ours: left out.
  std::uint64_t steps_back = 0;          ///< Stamps before the one above them; kept as they are.
};

/// A candump log as a bus: streamed, paced by its stamps, nothing lost beyond what the log says.
///
/// Buses    an interface is the bus of that name. With a single bus a log that never mentions its name is taken as
///          recorded under another one: then every interface is that bus.
/// Pace     a stamp that is earlier than the last never makes us wait; one that is a second or more earlier (two logs
///          glued together) starts the pace anew.
/// Threads  as CanPort says; `counters` and `first_stamp` by any.
class LogPort final : public CanPort {
 public:
  /// Looks at the first chunk; of a pipe that has none yet, waits for it at most a second.
  /// Errors  kReject: the file cannot be opened. `clock` is borrowed and the real one: it paces.
  static Result<std::unique_ptr<LogPort>> open(LogPortOptions options, LogParser parse, const Clock& clock,
                                               Waiter wait = sleeping_waiter());

  Result<Feed> receive(std::vector<CanFrame>& frames, milliseconds longest) override;
  bool can_wait() const override { return true; }
  /// What the log itself says was lost while it was written.
  std::uint64_t overruns(std::uint16_t bus) const override;

  LogCounters counters() const;
  /// Stamp of the first frame; nullopt: none has been read yet.
  std::optional<BootTime> first_stamp() const;

 private:
  LogPort(LogPortOptions options, LogParser parse, const Clock& clock, Waiter wait, LineReader reader);

  Status look_ahead();
  Result<LineReader::Supply> take_due(BootTime now, std::vector<CanFrame>& frames);
  Result<LineReader::Supply> await_more(BootTime now, BootTime deadline);
  void wait_until(BootTime moment) const;
  bool find_frame();
  bool accept(std::string_view line);
  void note_stamp(BootTime stamp);
  std::optional<std::uint16_t> bus_of(std::string_view interface);
  BootTime due(BootTime stamp) const;

  const LogPortOptions options_;
  const LogParser parse_;
  const Clock& clock_;
  const Waiter wait_;

  // Used by the collector only.
  LineReader reader_;
  std::optional<CanFrame> pending_;  // the next frame, perhaps not due yet
  bool is_name_known_ = false;       // the log mentions our only bus
  bool is_started_ = false;
  BootTime last_stamp_{};
  BootTime anchor_stamp_{};  // this stamp of the log…
  BootTime anchor_due_{};    // …is due at this time of the clock
  BootTime not_before_{};    // end of the pause after the last batch

  // Written by the collector, read by any thread.
  std::atomic<std::uint64_t> lines_{0};
  std::atomic<std::uint64_t> frames_{0};
  std::atomic<std::uint64_t> junk_lines_{0};
  std::atomic<std::uint64_t> unknown_interfaces_{0};
  std::atomic<std::uint64_t> steps_back_{0};
  std::vector<std::atomic<std::uint64_t>> overruns_;  // by bus
  std::atomic<bool> has_first_stamp_{false};
  std::atomic<BootTime::rep> first_stamp_{0};  // valid once has_first_stamp_
};

}  // namespace outrider
