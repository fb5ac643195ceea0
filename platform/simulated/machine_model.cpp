// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/machine_model.h"

#include <algorithm>
#include <cmath>

#include "platform/simulated/dynamics.h"

namespace outrider {
namespace {

constexpr double kRampRpmPerSecond = 4000;
constexpr double kBearingTimeConstantSeconds = 300;
constexpr int kTeeth = 4;               // of the cutter: one blow each per turn
constexpr double kResonanceRpm = 7600;  // of the spindle housing, met by the first harmonic
constexpr double kFullCoolantLitresPerMinute = 12;

/// Harmonics add up as powers: unbalance at one per turn, misalignment at two, the cutter's teeth while it cuts.
double vibration_mm_s(double rpm, double load) {
  const double speed = rpm / 6000;
  const double off_resonance = (rpm - kResonanceRpm) / 500;
  const double unbalance = 0.55 * speed * speed * (1 + 0.8 / (1 + off_resonance * off_resonance));
  const double misalignment = 0.2 * speed;
  const double teeth = 0.45 * load * kTeeth * std::sqrt(std::max(speed, 0.0));
  const double floor = 0.12;  // pumps and the neighbours
  return std::sqrt(unbalance * unbalance + misalignment * misalignment + teeth * teeth + floor * floor);
}

}  // namespace

MachineModel::MachineModel(std::uint64_t seed)
    : random_(seed),
      ambient_degc_(random_.between(18, 26)),
      bearing_degc_(ambient_degc_ + random_.between(0, 8)),
      cycle_count_(static_cast<std::uint32_t>(random_.between(1000, 90'000))) {
  plan_piece();
  task_left_s_ = random_.between(0.5, 3);
  read_sensors();
}

void MachineModel::plan_piece() {
  plan_.clear();
  task_ = 0;
  plan_.push_back({MachinePhase::kIdle, random_.between(5, 9), 0, 0});
  const int tools = 1 + static_cast<int>(random_.between(0, 2.999));
  for (int tool = 0; tool < tools; ++tool) {
    if (tool > 0) plan_.push_back({MachinePhase::kToolChange, random_.between(3, 5), 0, 0});
    const double rpm = std::round(random_.between(30, 110)) * 100;
    plan_.push_back({MachinePhase::kSpinUp, rpm / kRampRpmPerSecond + 0.5, rpm, 0});
    const int passes = 2 + static_cast<int>(random_.between(0, 3.999));
    for (int pass = 0; pass < passes; ++pass) {
      plan_.push_back({MachinePhase::kCutting, random_.between(3, 8), rpm, random_.between(0.25, 0.8)});
      plan_.push_back({MachinePhase::kCutting, random_.between(0.5, 1.5), rpm, 0});  // moves to the next pass
    }
    plan_.push_back({MachinePhase::kSpinDown, rpm / kRampRpmPerSecond + 0.5, 0, 0});
  }
  task_left_s_ = plan_.front().length_s;
}

const MachineState& MachineModel::step(nanoseconds dt) {
  advance_in_slices(dt, [this](double slice_s) { advance(slice_s); });
  read_sensors();
  return state_;
}

void MachineModel::advance(double dt_s) {
  task_left_s_ -= dt_s;
  if (task_left_s_ <= 0) {
    ++task_;
    if (task_ == plan_.size()) {
      ++cycle_count_;
      plan_piece();
    }
    task_left_s_ = plan_[task_].length_s;
  }
  const Task& task = plan_[task_];

  const double before = spindle_rpm_;
  const double most = kRampRpmPerSecond * dt_s;
  spindle_rpm_ += std::clamp(task.spindle_rpm - spindle_rpm_, -most, most);
  ramp_ = approach(ramp_, std::abs(spindle_rpm_ - before) / most, dt_s, 0.1);
  load_ = approach(load_, task.load, dt_s, 0.15);

  const double speed = spindle_rpm_ / 6000;
  const double settled_degc = ambient_degc_ + 14 * std::pow(speed, 1.3) + 10 * load_ * speed;
  bearing_degc_ = approach(bearing_degc_, settled_degc, dt_s, kBearingTimeConstantSeconds);
  const double wanted_flow = task.phase == MachinePhase::kCutting ? kFullCoolantLitresPerMinute : 0;
  coolant_l_min_ = approach(coolant_l_min_, wanted_flow, dt_s, 0.6);
}

void MachineModel::read_sensors() {
  const double rpm = spindle_rpm_ * (1 - 0.012 * load_);  // the drive gives way a little under load
  const bool is_turning = spindle_rpm_ > 0;
  state_.spindle_rpm = std::max(0.0, rpm + (is_turning ? 3 * random_.normal() : 0));
  const double current_a = is_turning ? 2.2 + 0.0004 * rpm + 34 * load_ + 22 * ramp_ : 0.6;
  state_.motor_current_a = std::max(0.0, current_a * (1 + 0.02 * random_.normal()));
  state_.vibration_mm_s = vibration_mm_s(rpm, load_) * (1 + 0.04 * random_.normal());
  state_.bearing_degc = bearing_degc_ + 0.03 * random_.normal();
  state_.coolant_l_min = coolant_l_min_ < 0.05 ? 0 : std::max(0.0, coolant_l_min_ + 0.08 * random_.normal());
  state_.cycle_count = cycle_count_;
  state_.phase = plan_[task_].phase;
}

}  // namespace outrider
