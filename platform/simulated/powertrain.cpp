// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/powertrain.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "platform/simulated/dynamics.h"

namespace outrider {
namespace {

constexpr std::array<double, 7> kRatio{0, 3.6, 2.2, 1.45, 1.05, 0.82, 0.66};  // by gear; neutral first
constexpr int kTopGear = 6;
constexpr double kFinalDrive = 3.7;
constexpr double kWheelRadiusMetres = 0.33;
constexpr double kEfficiency = 0.92;  // of gearbox and axle
constexpr double kLaunchRpm = 1150;   // held with a slipping clutch while moving off
constexpr double kShiftUpRpm = 2150;
constexpr double kShiftDownRpm = 1150;
constexpr double kShiftSeconds = 0.4;
constexpr double kAuxiliariesWatts = 1200;  // alternator, pumps, air conditioning
constexpr double kFrictionNewtonMetres = 20;
constexpr double kThermalEfficiency =
    0.42;  // of the burnt fuel, before friction; Willans line of a small Diesel

double radians_per_s(double rpm) { return rpm * 2 * std::numbers::pi / 60; }

/// Full-load torque: a parabola with its top of 320 Nm at 2000 rpm.
double full_torque_nm(double rpm) {
  const double off_peak = (rpm - 2000) / 3200;
  return 320 * std::max(0.3, 1 - off_peak * off_peak);
}

}  // namespace

double Powertrain::closed_clutch_rpm(int gear, double speed) {
  const double wheel_rpm = speed / (2 * std::numbers::pi * kWheelRadiusMetres) * 60;
  return wheel_rpm * kFinalDrive * kRatio.at(static_cast<std::size_t>(gear));
}

double Powertrain::available_force(double speed) const {
  if (gear_ == 0 || shift_left_s_ > 0 || engine_rpm_ < kIdleRpm / 2) return 0;
  const double rpm = std::max(kLaunchRpm, closed_clutch_rpm(gear_, speed));
  const double ratio = kRatio.at(static_cast<std::size_t>(gear_)) * kFinalDrive;
  return full_torque_nm(rpm) * ratio * kEfficiency / kWheelRadiusMetres;
}

void Powertrain::step(const Demand& demand, double dt_s) {
  choose_gear(demand, dt_s);
  follow_engine_speed(demand, dt_s);
  burn(demand);
}

void Powertrain::choose_gear(const Demand& demand, double dt_s) {
  shift_left_s_ = std::max(0.0, shift_left_s_ - dt_s);
  since_shift_s_ += dt_s;
  if (demand.mode != EngineMode::kRunning) {
    gear_ = 0;
    return;
  }
  if (demand.speed < 0.1) {
    gear_ = demand.is_moving_off ? 1 : 0;
    return;
  }
  if (since_shift_s_ < 1) return;

  const double rpm = gear_ == 0 ? 0 : closed_clutch_rpm(gear_, demand.speed);
  int wanted = std::max(gear_, 1);
  if (gear_ > 0 && gear_ < kTopGear && rpm > kShiftUpRpm + 8 * load_percent_) ++wanted;
  while (wanted > 1 && closed_clutch_rpm(wanted, demand.speed) < kShiftDownRpm) --wanted;
  if (wanted == gear_) return;
  gear_ = wanted;
  shift_left_s_ = kShiftSeconds;
  since_shift_s_ = 0;
}

void Powertrain::follow_engine_speed(const Demand& demand, double dt_s) {
  if (demand.mode == EngineMode::kOff) {
    engine_rpm_ = approach(engine_rpm_, 0, dt_s, 0.3);
    if (engine_rpm_ < 1) engine_rpm_ = 0;
    return;
  }
  if (demand.mode == EngineMode::kCranking) {
    engine_rpm_ = approach(engine_rpm_, 220, dt_s, 0.1);
    return;
  }
  double target = kIdleRpm;
  if (gear_ > 0)
    target = std::max(closed_clutch_rpm(gear_, demand.speed), demand.force > 0 ? kLaunchRpm : kIdleRpm);
  // Above launch speed the clutch is closed, except while a shift brings the engine to its new speed.
  engine_rpm_ = approach(engine_rpm_, target, dt_s, shift_left_s_ > 0 ? 0.15 : 0.05);
}

void Powertrain::burn(const Demand& demand) {
  if (demand.mode != EngineMode::kRunning) {
    load_percent_ = 0;
    fuel_power_w_ = 0;
    return;
  }
  const bool is_overrun = gear_ > 0 && demand.force <= 0 && engine_rpm_ > 1100;
  if (is_overrun) {  // injection is cut
    load_percent_ = 0;
    fuel_power_w_ = 0;
    return;
  }
  const double omega = radians_per_s(std::max(engine_rpm_, kIdleRpm));
  double torque_nm = kAuxiliariesWatts / omega;
  if (gear_ > 0 && shift_left_s_ <= 0 && demand.force > 0) {
    const double ratio = kRatio.at(static_cast<std::size_t>(gear_)) * kFinalDrive;
    torque_nm += demand.force * kWheelRadiusMetres / (ratio * kEfficiency);
  }
  load_percent_ = std::clamp(100 * torque_nm / full_torque_nm(engine_rpm_), 0.0, 100.0);
  fuel_power_w_ = (torque_nm + kFrictionNewtonMetres) * omega / kThermalEfficiency;
}

}  // namespace outrider
