// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "agent/base/time.h"
#include "platform/simulated/powertrain.h"
#include "platform/simulated/random.h"
#include "platform/simulated/route.h"
#include "platform/simulated/traffic.h"

namespace outrider {

enum class Ignition { kOff = 0, kAccessory = 1, kOn = 2, kStart = 3 };

/// What the sensors of the vehicle would read, in the units of outrider_vehicle.dbc.
struct VehicleState {
  double speed_km_h = 0;
  double acceleration_m_s2 = 0;
  double deceleration_m_s2 = 0;  ///< Positive when slowing, else 0.
  double engine_rpm = 0;
  double engine_load_percent = 0;
  double coolant_degc = 0;
  int gear = 0;  ///< 0 is neutral.
  double fuel_percent = 0;
  double odometer_km = 0;
  double latitude_deg = 0;
  double longitude_deg = 0;
  double altitude_m = 0;
  double heading_deg = 0;
  double battery_volts = 0;
  Ignition ignition = Ignition::kOff;
};

/// A delivery van that drives its round for ever: lights, speed limits, hills, gears, deliveries with the engine off.
///
/// Values are plausible and agree with each other (the odometer is the integral of the speed, the position follows the
/// odometer, fuel follows work, the coolant follows fuel), so that cross-signal rules find nothing to object to.
/// Order    the same seed and the same steps give the same bytes.
/// Source   following and stopping: Treiber, Hennecke, Helbing, "Congested traffic states", 2000 (intelligent driver).
class VehicleModel {
 public:
  static constexpr double kHardestBraking = 6;  ///< m/s^2
  static constexpr double kHardestAcceleration = 2;

  explicit VehicleModel(std::uint64_t seed);

  /// Moves on by `dt`, which is not negative; long steps are taken in short ones.
  const VehicleState& step(nanoseconds dt);
  const VehicleState& state() const { return state_; }

 private:
  enum class Phase { kSwitchedOn, kCranking, kDriving, kParked };

  struct Plan {
    double acceleration = 0;
    bool is_holding = false;  ///< Stands and waits.
  };

  void advance(double dt_s);
  void change_phase(double dt_s);
  Plan plan() const;
  void drive(double dt_s);
  void move(double acceleration, double dt_s);
  void pass_stops();
  void warm(double dt_s);
  void supply(double dt_s);
  void refuel(double dt_s);
  void publish_state();

  const Traffic::Stop& next_stop() const { return traffic_.stops()[next_stop_]; }
  /// Metres to the line of the next stop.
  double gap_m() const;
  bool must_stop(double gap_m) const;

  Random random_;
  Route route_;
  Traffic traffic_;
  Powertrain powertrain_;

  double ambient_degc_;
  double time_s_ = 0;
  double speed_ = 0;         ///< m/s, never negative.
  double acceleration_ = 0;  ///< m/s^2
  double lap_m_ = 0;         ///< Along the route, may exceed one lap by the last step.
  double odometer_m_;
  std::size_t next_stop_ = 0;
  double limit_km_h_ = 50;
  double habit_km_h_ = 0;  ///< How far the driver is off the limit; wanders slowly.

  Phase phase_ = Phase::kSwitchedOn;
  double phase_left_s_;
  bool is_refuelling_ = false;

  double fuel_l_;
  double coolant_degc_;
  double thermostat_ = 0;  ///< 0 closed, 1 open.
  bool is_fan_on_ = false;
  double battery_volts_ = 12.4;
  VehicleState state_;
};

}  // namespace outrider
