// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/log_clock.h"

namespace outrider {
namespace {

constexpr seconds kYear2015{1'420'070'400};  // 2015-01-01T00:00:00Z since 1970

std::string name_of(const std::string& path) {
  if (path == "-") return "stdin";
  return path.substr(path.find_last_of('/') + 1);  // npos + 1 is 0: the whole path
}

}  // namespace

LogClock::LogClock(const Clock& real, const LogPort& log, const std::string& path)
    : real_(real), log_(log), name_(name_of(path)) {}

TimeReference LogClock::sample_reference() const {
  const std::optional<BootTime> first = log_.first_stamp();
  const bool is_absolute = first && first->time_since_epoch() > kYear2015;
  return {.boot_id = (is_absolute ? "log:" : "log-relative:") + name_,
          .offset = nanoseconds::zero(),
          .is_synced = is_absolute};
}

}  // namespace outrider
