// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/clock.h"

#include <sys/timex.h>
#include <time.h>

#include <fstream>
#include <random>

#include "agent/base/ensure.h"

namespace outrider {
namespace {

nanoseconds read_clock(clockid_t id) {
  timespec moment{};
  ENSURE(::clock_gettime(id, &moment) == 0);  // fails only for a clock that does not exist
  return seconds(moment.tv_sec) + nanoseconds(moment.tv_nsec);
}

/// Real time minus boot time. The boot time is read before and after; the closest pair of three bounds the error, which
/// a preemption between the readings would otherwise make arbitrarily large.
nanoseconds measured_offset() {
  nanoseconds best_spread = nanoseconds::max();
  nanoseconds offset{};
  for (int attempt = 0; attempt < 3; ++attempt) {
    const nanoseconds before = read_clock(CLOCK_BOOTTIME);
    const nanoseconds real = read_clock(CLOCK_REALTIME);
    const nanoseconds after = read_clock(CLOCK_BOOTTIME);
    if (after - before >= best_spread) continue;
    best_spread = after - before;
    offset = real - (before + (after - before) / 2);
  }
  return offset;
}

bool kernel_says_synced() {
  timex answer{};
  answer.modes = 0;  // only asks
  const int state = ::adjtimex(&answer);
  return state >= 0 && state != TIME_ERROR && (answer.status & STA_UNSYNC) == 0;
}

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  if (file >> id && !id.empty()) return id;
  // Without /proc no two runs can be known to share a boot: each counts as one of its own, which is always right.
  std::random_device random;
  return "run-" + std::to_string(random()) + "-" + std::to_string(random());
}

}  // namespace

LinuxClock::LinuxClock() : boot_id_(read_boot_id()) {}

BootTime LinuxClock::now() const { return BootTime(read_clock(CLOCK_BOOTTIME)); }

WallTime LinuxClock::wall_now() const { return WallTime(read_clock(CLOCK_REALTIME)); }

TimeReference LinuxClock::reference() const {
  const bool is_plausible = wall_now().time_since_epoch() >= kPlausibleSince;
  return {.boot_id = boot_id_,
          .offset = measured_offset(),
          .is_synced = is_plausible && (trusts_wall_clock_ || kernel_says_synced())};
}

}  // namespace outrider
