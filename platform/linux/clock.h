// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agent/ports/clock.h"

namespace outrider {

/// The clocks of a Linux device: CLOCK_BOOTTIME for order and timers, CLOCK_REALTIME for UTC.
///
/// Synced means that the kernel says so (adjtimex: chrony, ntpd and systemd-timesyncd all tell it) and that the date is
/// plausible. A container shares its host's clock and answer. Where the host sets the time of a virtual machine behind
/// the kernel's back (hypervisor clock, no NTP client inside), or where a sandbox forbids adjtimex (systemd's
/// ProtectClock=yes), the kernel says "unsynchronised" although the time is right: rows then say "estimated", and their
/// times are right nevertheless. `trust_wall_clock` is for such places.
/// Threads  any, but `trust_wall_clock` before there are others.
class LinuxClock final : public Clock {
 public:
  LinuxClock();

  /// From now on any plausible date counts as synced.
  void trust_wall_clock() { trusts_wall_clock_ = true; }

  BootTime now() const override;
  TimeReference reference() const override;
  WallTime wall_now() const override;

 private:
  const std::string boot_id_;
  bool trusts_wall_clock_ = false;
};

}  // namespace outrider
