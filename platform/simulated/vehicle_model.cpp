// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/vehicle_model.h"

#include <algorithm>
#include <cmath>

#include "platform/simulated/dynamics.h"

namespace outrider {
namespace {

constexpr double kMassKilograms = 2400;
constexpr double kGravity = 9.81;
constexpr double kRolling = 0.010;
constexpr double kDragAreaSquareMetres = 1.1;  // drag coefficient times frontal area
constexpr double kAirDensity = 1.2;
constexpr double kTankLitres = 70;
constexpr double kFuelJoulesPerLitre = 35.8e6;  // Diesel
constexpr double kComfortableBraking = 2;
constexpr double kTimeGapSeconds = 0.6;
constexpr double kStandstillGapMetres = 2;
// Shorter than this and the driver goes through on amber.
constexpr double kBrakingForAmber = 3.5;

constexpr double kCoolantJoulesPerKelvin = 40'000;  // engine block and coolant; on the quick side
constexpr double kHeatToCoolant = 0.32;             // share of the fuel's energy

double resistance_n(double speed, double grade) {
  const double slope = grade / std::sqrt(1 + grade * grade);  // sine of the angle
  const double rolling = speed > 0 ? kRolling : 0;
  return kMassKilograms * kGravity * (rolling + slope) +
         0.5 * kAirDensity * kDragAreaSquareMetres * speed * speed;
}

}  // namespace

VehicleModel::VehicleModel(std::uint64_t seed)
    : random_(seed),
      route_(random_),
      traffic_(random_, route_.length_m()),
      ambient_degc_(random_.between(5, 25)),
      odometer_m_(random_.between(20e6, 180e6)),
      phase_left_s_(random_.between(0.5, 2)),
      fuel_l_(kTankLitres * random_.between(0.4, 0.95)),
      coolant_degc_(ambient_degc_ + random_.between(0, 20)) {
  const std::vector<Traffic::Stop>& stops = traffic_.stops();
  next_stop_ = static_cast<std::size_t>(random_.next() % stops.size());
  // Whoever watches a simulation start wants to see it drive: the first two stops are lights, if the round has such a pair.
  for (std::size_t tries = 0; tries < stops.size(); ++tries) {
    const std::size_t after = (next_stop_ + 1) % stops.size();
    if (!stops[next_stop_].is_delivery && !stops[after].is_delivery) break;
    next_stop_ = after;
  }
  const std::size_t before = (next_stop_ + stops.size() - 1) % stops.size();
  limit_km_h_ = stops[before].limit_km_h;
  lap_m_ = std::fmod(stops[before].at_m + 5, route_.length_m());
  publish_state();
}

const VehicleState& VehicleModel::step(nanoseconds dt) {
  advance_in_slices(dt, [this](double slice_s) { advance(slice_s); });
  publish_state();
  return state_;
}

void VehicleModel::advance(double dt_s) {
  time_s_ += dt_s;
  change_phase(dt_s);
  drive(dt_s);
  warm(dt_s);
  supply(dt_s);
  refuel(dt_s);
}

void VehicleModel::change_phase(double dt_s) {
  phase_left_s_ -= dt_s;
  if (phase_ == Phase::kDriving) {
    if (speed_ > 0 || !next_stop().is_delivery || gap_m() > 2 * kStandstillGapMetres) return;
    phase_ = Phase::kParked;
    phase_left_s_ = random_.between(20, 60);
    is_refuelling_ = fuel_l_ < 0.3 * kTankLitres;
    return;
  }
  if (phase_left_s_ > 0 || is_refuelling_) return;
  switch (phase_) {
    case Phase::kParked:
      phase_ = Phase::kSwitchedOn;
      phase_left_s_ = random_.between(0.8, 2);
      break;
    case Phase::kSwitchedOn:
      phase_ = Phase::kCranking;
      phase_left_s_ = 0.8;
      break;
    default:
      phase_ = Phase::kDriving;
      // Delivered: this address is behind us now, though the van stands just before it.
      if (next_stop().is_delivery && gap_m() <= 2 * kStandstillGapMetres) {
        limit_km_h_ = next_stop().limit_km_h;
        next_stop_ = (next_stop_ + 1) % traffic_.stops().size();
      }
  }
}

double VehicleModel::gap_m() const {
  // The route is a circle: the way to a stop that seems to lie behind us leads through the start of the next lap.
  const double gap = next_stop().at_m - lap_m_;
  return gap >= -route_.length_m() / 2 ? gap : gap + route_.length_m();
}

bool VehicleModel::must_stop(double gap_m) const {
  if (next_stop().is_delivery) return true;
  if (!next_stop().is_red(time_s_)) return false;
  return speed_ * speed_ / 2 <= kBrakingForAmber * std::max(gap_m, 0.1);
}

VehicleModel::Plan VehicleModel::plan() const {
  const double wanted = std::max(20.0, limit_km_h_ + habit_km_h_) / 3.6;
  const double ratio = speed_ / wanted;
  double acceleration = kHardestAcceleration * std::max(1 - std::pow(ratio, 4), -0.75);

  const double gap = gap_m();
  if (must_stop(gap)) {
    if (speed_ < 0.5 && gap < 2 * kStandstillGapMetres) return {-1, true};
    const double room = std::max(gap, 0.5);
    const double needed = kStandstillGapMetres + speed_ * kTimeGapSeconds +
                          speed_ * speed_ / (2 * std::sqrt(kHardestAcceleration * kComfortableBraking));
    acceleration -= kHardestAcceleration * (needed / room) * (needed / room);
  }
  return {std::clamp(acceleration, -kHardestBraking, kHardestAcceleration), false};
}

void VehicleModel::drive(double dt_s) {
  habit_km_h_ += (-habit_km_h_ * dt_s / 20) + 1.2 * std::sqrt(dt_s) * random_.normal();

  Powertrain::Demand demand;
  demand.speed = speed_;
  if (phase_ != Phase::kDriving) {
    demand.mode = phase_ == Phase::kCranking ? EngineMode::kCranking : EngineMode::kOff;
    powertrain_.step(demand, dt_s);
    move(0, dt_s);
    return;
  }
  const Plan wish = plan();
  const double resistance = resistance_n(speed_, route_.grade_at(lap_m_));
  const double needed_n = kMassKilograms * wish.acceleration + resistance;
  const double engine_n =
      wish.is_holding ? 0 : std::clamp(needed_n, 0.0, powertrain_.available_force(speed_));
  // What the engine cannot give is missing; what is too much is taken away by the brakes.
  const double acceleration = std::min(wish.acceleration, (engine_n - resistance) / kMassKilograms);
  demand.force = engine_n > 0 ? engine_n : -1;
  demand.is_moving_off = !wish.is_holding && wish.acceleration > 0;
  powertrain_.step(demand, dt_s);
  move(acceleration, dt_s);
}

void VehicleModel::move(double acceleration, double dt_s) {
  const double before = speed_;
  speed_ = std::max(0.0, speed_ + acceleration * dt_s);
  acceleration_ = (speed_ - before) / dt_s;
  const double way_m = (before + speed_) / 2 * dt_s;
  odometer_m_ += way_m;
  lap_m_ += way_m;
  if (lap_m_ >= route_.length_m()) lap_m_ -= route_.length_m();
  pass_stops();
}

void VehicleModel::pass_stops() {
  if (gap_m() >= 0) return;
  limit_km_h_ = next_stop().limit_km_h;
  next_stop_ = (next_stop_ + 1) % traffic_.stops().size();
}

void VehicleModel::warm(double dt_s) {
  // The wax in a thermostat follows with a lag; that is why the temperature swings a little.
  thermostat_ = approach(thermostat_, std::clamp((coolant_degc_ - 84) / 10, 0.0, 1.0), dt_s, 8);
  if (coolant_degc_ > 97) is_fan_on_ = true;
  if (coolant_degc_ < 92 || phase_ == Phase::kParked) is_fan_on_ = false;
  const double radiator_w_per_k = thermostat_ * (40 + 25 * speed_ + (is_fan_on_ ? 350 : 0));
  const double lost_w = (8 + radiator_w_per_k) * (coolant_degc_ - ambient_degc_);
  coolant_degc_ += (kHeatToCoolant * powertrain_.fuel_power_w() - lost_w) * dt_s / kCoolantJoulesPerKelvin;
}

void VehicleModel::supply(double dt_s) {
  switch (phase_) {
    case Phase::kDriving:
      battery_volts_ = approach(battery_volts_, 14.1, dt_s, 0.4);
      break;
    case Phase::kCranking:
      battery_volts_ = approach(battery_volts_, 10.4, dt_s, 0.05);
      break;
    default:
      battery_volts_ = approach(battery_volts_, 12.4, dt_s, 0.5);
  }
}

void VehicleModel::refuel(double dt_s) {
  fuel_l_ = std::max(0.0, fuel_l_ - powertrain_.fuel_power_w() / kFuelJoulesPerLitre * dt_s);
  if (!is_refuelling_) return;
  fuel_l_ = std::min(kTankLitres, fuel_l_ + 0.6 * dt_s);
  is_refuelling_ = fuel_l_ < 0.98 * kTankLitres;
}

void VehicleModel::publish_state() {
  const RoutePoint here = route_.at(lap_m_);
  state_.speed_km_h = speed_ * 3.6;
  state_.acceleration_m_s2 = acceleration_;
  state_.deceleration_m_s2 = std::max(0.0, -acceleration_);
  const double flutter_rpm = powertrain_.engine_rpm() > 0 ? 4 * random_.normal() : 0;
  state_.engine_rpm = std::max(0.0, powertrain_.engine_rpm() + flutter_rpm);
  state_.engine_load_percent = powertrain_.load_percent();
  state_.coolant_degc = coolant_degc_;
  state_.gear = powertrain_.gear();
  state_.fuel_percent = 100 * fuel_l_ / kTankLitres;
  state_.odometer_km = odometer_m_ / 1000;
  state_.latitude_deg = here.latitude_deg;
  state_.longitude_deg = here.longitude_deg;
  state_.altitude_m = here.altitude_m;
  state_.heading_deg = here.heading_deg;
  state_.battery_volts = battery_volts_ + 0.015 * random_.normal();
  switch (phase_) {
    case Phase::kParked:
      state_.ignition = Ignition::kOff;
      break;
    case Phase::kCranking:
      state_.ignition = Ignition::kStart;
      break;
    default:
      state_.ignition = Ignition::kOn;
  }
}

}  // namespace outrider
