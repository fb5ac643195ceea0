// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace outrider {

enum class EngineMode { kOff, kCranking, kRunning };

/// Engine, clutch and six-speed gearbox of a delivery van with a two-litre Diesel engine.
///
/// Units    SI: N, m/s, W; engine speed in rpm.
class Powertrain {
 public:
  static constexpr double kIdleRpm = 750;

  /// The most force at the wheels that the engine can give now: 0 while the clutch is open for a shift.
  double available_force(double speed) const;

  struct Demand {
    EngineMode mode = EngineMode::kRunning;
    double speed = 0;
    double force = 0;            ///< At the wheels, of the engine; negative: the driver is off the throttle.
    bool is_moving_off = false;  ///< The driver wants to go: first gear at standstill.
  };
  void step(const Demand& demand, double dt_s);

  int gear() const { return gear_; }  ///< 0 is neutral.
  double engine_rpm() const { return engine_rpm_; }
  double load_percent() const { return load_percent_; }
  double fuel_power_w() const { return fuel_power_w_; }

  /// Engine speed at which the wheels turn this fast in `gear`, 1..6, with the clutch closed.
  static double closed_clutch_rpm(int gear, double speed);

 private:
  void choose_gear(const Demand& demand, double dt_s);
  void follow_engine_speed(const Demand& demand, double dt_s);
  void burn(const Demand& demand);

  int gear_ = 0;
  double shift_left_s_ = 0;     ///< The clutch is open for this long yet.
  double since_shift_s_ = 100;  ///< Drivers do not shift twice in a second.
  double engine_rpm_ = 0;
  double load_percent_ = 0;
  double fuel_power_w_ = 0;
};

}  // namespace outrider
