// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/machine_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <vector>

namespace outrider {
namespace {

constexpr milliseconds kStep{50};

std::vector<std::uint64_t> bits_of_shift(std::uint64_t seed) {
  MachineModel model(seed);
  std::vector<std::uint64_t> bits;
  for (int i = 0; i < 3000; ++i) {
    const MachineState& s = model.step(kStep);
    for (const double number : {s.spindle_rpm, s.motor_current_a, s.vibration_mm_s, s.bearing_degc,
                                s.coolant_l_min, double(s.cycle_count), double(s.phase)}) {
      bits.push_back(std::bit_cast<std::uint64_t>(number));
    }
  }
  return bits;
}

}  // namespace

TEST_CASE("machine model: work stays within what the machine can do") {
  MachineModel model(1);
  const std::uint32_t first = model.state().cycle_count;
  std::set<MachinePhase> phases;
  std::uint32_t last_count = first;
  int backwards = 0;
  MachineState low = model.state();
  MachineState high = model.state();
  for (int i = 0; i < 36'000; ++i) {
    const MachineState& now = model.step(kStep);
    phases.insert(now.phase);
    if (now.cycle_count < last_count || now.cycle_count > last_count + 1) ++backwards;
    last_count = now.cycle_count;
    low.spindle_rpm = std::min(low.spindle_rpm, now.spindle_rpm);
    high.spindle_rpm = std::max(high.spindle_rpm, now.spindle_rpm);
    low.motor_current_a = std::min(low.motor_current_a, now.motor_current_a);
    high.motor_current_a = std::max(high.motor_current_a, now.motor_current_a);
    low.vibration_mm_s = std::min(low.vibration_mm_s, now.vibration_mm_s);
    high.vibration_mm_s = std::max(high.vibration_mm_s, now.vibration_mm_s);
    low.bearing_degc = std::min(low.bearing_degc, now.bearing_degc);
    high.bearing_degc = std::max(high.bearing_degc, now.bearing_degc);
    low.coolant_l_min = std::min(low.coolant_l_min, now.coolant_l_min);
    high.coolant_l_min = std::max(high.coolant_l_min, now.coolant_l_min);
  }
  CHECK(phases == std::set<MachinePhase>{MachinePhase::kIdle, MachinePhase::kSpinUp, MachinePhase::kCutting,
                                         MachinePhase::kSpinDown, MachinePhase::kToolChange});
  CHECK(backwards == 0);
  CHECK(last_count > first + 10);
  CHECK(low.spindle_rpm == 0);
  CHECK(high.spindle_rpm > 5000);
  CHECK(high.spindle_rpm <= MachineModel::kFastestRpm);
  CHECK(low.motor_current_a > 0);
  CHECK(high.motor_current_a < 80);
  CHECK(low.vibration_mm_s > 0);
  CHECK(high.vibration_mm_s < 8);
  CHECK(low.bearing_degc > 15);
  CHECK(high.bearing_degc > 28);
  CHECK(high.bearing_degc < 75);
  CHECK(low.coolant_l_min == 0);
  CHECK(high.coolant_l_min > 11);
}

TEST_CASE("machine model: cutting costs current, makes vibration, and coolant flows") {
  MachineModel model(2);
  double cutting_a = 0, idle_a = 0, cutting_mm_s = 0, idle_mm_s = 0, cutting_flow = 0;
  int cutting = 0, idle = 0;
  for (int i = 0; i < 20'000; ++i) {
    const MachineState& now = model.step(kStep);
    if (now.phase == MachinePhase::kCutting) {
      ++cutting;
      cutting_a += now.motor_current_a;
      cutting_mm_s += now.vibration_mm_s;
      cutting_flow += now.coolant_l_min;
    } else if (now.phase == MachinePhase::kIdle) {
      ++idle;
      idle_a += now.motor_current_a;
      idle_mm_s += now.vibration_mm_s;
    }
  }
  REQUIRE(cutting > 1000);
  REQUIRE(idle > 1000);
  CHECK(cutting_a / cutting > 5 * idle_a / idle);
  CHECK(cutting_mm_s / cutting > 2 * idle_mm_s / idle);
  CHECK(cutting_flow / cutting > 8);
}

TEST_CASE("machine model: the bearing warms slowly, never in a jump") {
  MachineModel model(3);
  double last = model.state().bearing_degc;
  double biggest = 0;
  for (int i = 0; i < 20'000; ++i) {
    const double now = model.step(kStep).bearing_degc;
    biggest = std::max(biggest, std::abs(now - last));
    last = now;
  }
  CHECK(biggest < 0.5);
}

TEST_CASE("machine model: the same seed works the same way to the last bit, another one does not") {
  const std::vector<std::uint64_t> shift = bits_of_shift(11);
  CHECK(shift == bits_of_shift(11));
  CHECK(shift != bits_of_shift(12));
}

}  // namespace outrider
