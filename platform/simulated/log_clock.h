// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agent/ports/clock.h"
#include "platform/simulated/log_port.h"

namespace outrider {

/// Timers run on the real clock; samples carry the log's stamps, which are UTC already (offset 0) when the log has
/// absolute ones.
///
/// Threads  any.
class LogClock final : public Clock {
 public:
  /// `real` and `log` are borrowed. `path` names the log.
  LogClock(const Clock& real, const LogPort& log, const std::string& path);

  BootTime now() const override { return real_.now(); }
  TimeReference reference() const override { return real_.reference(); }
  /// Synced when the log's first stamp is later than 2015: older ones count from some zero of their own. The boot id is
  /// "log:drive.log" then, else "log-relative:drive.log": one state directory may see both under one name.
  TimeReference sample_reference() const override;
  WallTime wall_now() const override { return real_.wall_now(); }

 private:
  const Clock& real_;
  const LogPort& log_;
  const std::string name_;
};

}  // namespace outrider
