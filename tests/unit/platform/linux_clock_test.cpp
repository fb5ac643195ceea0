// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <time.h>

#include "platform/linux/clock.h"

namespace outrider {
TEST_CASE("linux clock: boot time advances and is that of the kernel") {
  const LinuxClock clock;
  timespec kernel{};
  const BootTime before = clock.now();
  REQUIRE(::clock_gettime(CLOCK_BOOTTIME, &kernel) == 0);
  const BootTime after = clock.now();
  const BootTime between(seconds(kernel.tv_sec) + nanoseconds(kernel.tv_nsec));
  CHECK(before <= between);
  CHECK(between <= after);
}

TEST_CASE("linux clock: boot time plus offset is the wall time") {
  const LinuxClock clock;
  const nanoseconds offset = clock.reference().offset;
  const auto computed = WallTime(clock.now().time_since_epoch() + offset);
  const nanoseconds difference = clock.wall_now() - computed;
  // Generous, for a machine that is busy or slews its clock: wrong units or a wrong sign are off by years.
  CHECK(difference < seconds(5));
  CHECK(difference > -seconds(5));
}

TEST_CASE("linux clock: the boot keeps its name") {
  const std::string first = LinuxClock().reference().boot_id;
  CHECK(first.size() > 8);
  CHECK(LinuxClock().reference().boot_id == first);
}

TEST_CASE("linux clock: where the wall clock is trusted, its plausible date is enough") {
  LinuxClock trusting;
  trusting.trust_wall_clock();
  const bool is_plausible = trusting.wall_now() >= WallTime(seconds(1'767'225'600));
  CHECK(trusting.reference().is_synced == is_plausible);
  if (!is_plausible) CHECK_FALSE(LinuxClock().reference().is_synced);
}

}  // namespace outrider
