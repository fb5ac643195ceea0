// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/base/time.h"

namespace outrider {

/// The two clocks of a device. Timers use `now`; `reference` says how to make UTC of it.
///
/// Threads  any.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Time since boot, counting suspend. Drives every timer.
  virtual BootTime now() const = 0;

  /// How `now` relates to UTC at this moment.
  virtual TimeReference reference() const = 0;

  /// How sample stamps relate to UTC. Differs from `reference` only where a log is replayed: its stamps are UTC already
  /// (offset 0), and its name stands for the boot.
  virtual TimeReference sample_reference() const { return reference(); }

  /// UTC now.
  virtual WallTime wall_now() const = 0;
};

}  // namespace outrider
