// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace outrider {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// CLOCK_BOOTTIME: nanoseconds since this boot, counts suspend, never steps. What samples are stamped with.
struct BootClock {
  using duration = nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;

/// UTC, nanoseconds since 1970. Only for what leaves the device; never for order.
using WallTime = std::chrono::sys_time<nanoseconds>;

/// Before this program existed no date is right: 2026-01-01T00:00:00Z, since 1970. Devices without a battery for their
/// clock start in 1970, or at the time of the last shutdown.
inline constexpr seconds kPlausibleSince{1'767'225'600};

/// How far a wall time can be trusted; `name_of` gives the word that rows carry as "clock".
enum class ClockQuality : std::uint8_t {
  kSynced,     ///< The clock was right when the sample was taken.
  kCorrected,  ///< Taken before the clock was right; computed afterwards from the same boot's offset.
  kEstimated,  ///< The clock of that boot never became right.
};
const char* name_of(ClockQuality quality);

/// One boot (or one log file) and how its boot time relates to UTC: wall = boot time + offset.
struct TimeReference {
  std::string boot_id;  ///< /proc/sys/kernel/random/boot_id, or a name of the log that is replayed.
  nanoseconds offset{};
  bool is_synced = false;  ///< NTP, GPS or the like vouches for the offset.
};

/// "2026-11-22T10:00:00.500Z" is 24 bytes; years outside 0000..9999 are clamped.
inline constexpr std::size_t kIsoTimeBytes = 24;

/// Writes `time` as ISO 8601 UTC, truncated to milliseconds, to `out` (kIsoTimeBytes, no terminator); returns
/// the end.
char* write_iso_time(char* out, WallTime time);
std::string iso_time(WallTime time);

}  // namespace outrider
