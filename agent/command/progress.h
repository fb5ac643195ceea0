// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "agent/agent.h"

namespace outrider {

/// What the agent is doing, for people, on standard error: a line that renews itself on a terminal, otherwise one line
/// every ten seconds.
class ProgressLine {
 public:
  ProgressLine(bool is_terminal, bool is_quiet) : is_terminal_(is_terminal), is_quiet_(is_quiet) {}

  /// True when it is time to show figures again: gathering them is not free.
  bool is_due(nanoseconds elapsed) const { return !is_quiet_ && elapsed >= next_; }
  void show(nanoseconds elapsed, const Progress& progress);
  /// Leaves the last figures standing.
  void end(nanoseconds elapsed, const Progress& progress);

 private:
  void write(nanoseconds elapsed, const Progress& progress, const char* line_end) const;

  const bool is_terminal_;
  const bool is_quiet_;
  nanoseconds next_{};
};

/// The last line of a run on standard output: one JSON object. `first_durable`: from the start of the process until a
/// row was safe on disk.
std::string summary_json(const Agent& agent, nanoseconds elapsed, std::optional<nanoseconds> first_durable);

}  // namespace outrider
