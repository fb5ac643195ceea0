// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "agent/base/time.h"
#include "platform/simulated/random.h"

namespace outrider {

enum class MachinePhase {
  kOff = 0,
  kIdle = 1,
  kSpinUp = 2,
  kCutting = 3,
  kSpinDown = 4,
  kToolChange = 5,
  kFault = 6
};

/// What the sensors of the machine would read, in the units of outrider_machine.dbc.
struct MachineState {
  double spindle_rpm = 0;
  double motor_current_a = 0;
  double vibration_mm_s = 0;  ///< RMS velocity.
  double bearing_degc = 0;
  double coolant_l_min = 0;
  std::uint32_t cycle_count = 0;
  MachinePhase phase = MachinePhase::kIdle;
};

/// A milling machine that makes one piece after the other: load, spin up, cut, change tools, spin down, unload.
///
/// Order    the same seed and the same steps give the same bytes.
class MachineModel {
 public:
  static constexpr double kFastestRpm = 12'000;

  explicit MachineModel(std::uint64_t seed);

  /// Moves on by `dt`, which is not negative; long steps are taken in short ones.
  const MachineState& step(nanoseconds dt);
  const MachineState& state() const { return state_; }

 private:
  /// One line of the work plan.
  struct Task {
    MachinePhase phase;
    double length_s;
    double spindle_rpm;
    double load;  ///< Share of the nominal torque.
  };

  void plan_piece();
  void advance(double dt_s);
  void read_sensors();

  Random random_;
  double ambient_degc_;
  std::vector<Task> plan_;
  std::size_t task_ = 0;
  double task_left_s_ = 0;

  double spindle_rpm_ = 0;
  double ramp_ = 0;  ///< Torque for changing speed, share of the nominal.
  double load_ = 0;
  double bearing_degc_;
  double coolant_l_min_ = 0;
  std::uint32_t cycle_count_;
  MachineState state_;
};

}  // namespace outrider
