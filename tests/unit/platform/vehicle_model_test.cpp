// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/vehicle_model.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <set>
#include <vector>

namespace outrider {
namespace {

constexpr milliseconds kStep{20};
constexpr double kStepSeconds = 0.02;

RoutePoint place_of(const VehicleState& state) {
  return {.latitude_deg = state.latitude_deg, .longitude_deg = state.longitude_deg};
}

/// Everything that was ever seen outside of its limits would be a broken promise; these collect the extremes.
struct Extremes {
  double lowest = 1e300;
  double highest = -1e300;
  void see(double value) {
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
};

std::vector<double> numbers_of(const VehicleState& s) {
  return {s.speed_km_h,   s.acceleration_m_s2, s.deceleration_m_s2, s.engine_rpm,   s.engine_load_percent,
          s.coolant_degc, s.fuel_percent,      s.odometer_km,       s.latitude_deg, s.longitude_deg,
          s.altitude_m,   s.heading_deg,       s.battery_volts,     double(s.gear), double(s.ignition)};
}

std::vector<std::uint64_t> bits_of_drive(std::uint64_t seed) {
  VehicleModel model(seed);
  std::vector<std::uint64_t> bits;
  for (int i = 0; i < 3000; ++i) {
    for (const double number : numbers_of(model.step(kStep)))
      bits.push_back(std::bit_cast<std::uint64_t>(number));
  }
  return bits;
}

}  // namespace

TEST_CASE("vehicle model: driving stays within what a van can do") {
  for (const std::uint64_t seed : {1ULL, 2ULL, 77ULL}) {
    CAPTURE(seed);
    VehicleModel model(seed);
    Extremes speed, acceleration, rpm, load, volts, heading, altitude, fuel;
    for (int i = 0; i < 40'000; ++i) {
      const VehicleState& now = model.step(kStep);
      speed.see(now.speed_km_h);
      acceleration.see(now.acceleration_m_s2);
      rpm.see(now.engine_rpm);
      load.see(now.engine_load_percent);
      volts.see(now.battery_volts);
      heading.see(now.heading_deg);
      altitude.see(now.altitude_m);
      fuel.see(now.fuel_percent);
    }
    CHECK(speed.lowest == 0);
    CHECK(speed.highest > 45);
    CHECK(speed.highest < 125);
    CHECK(acceleration.lowest >= -VehicleModel::kHardestBraking - 1e-9);
    CHECK(acceleration.lowest < -1);
    CHECK(acceleration.highest <= VehicleModel::kHardestAcceleration + 1e-9);
    CHECK(acceleration.highest > 1);
    CHECK(rpm.lowest >= 0);
    CHECK(rpm.highest < 4500);
    CHECK(load.lowest >= 0);
    CHECK(load.highest <= 100);
    CHECK(volts.lowest > 9.5);
    CHECK(volts.highest < 14.5);
    CHECK(heading.lowest >= 0);
    CHECK(heading.highest < 360);
    CHECK(altitude.lowest > 300);
    CHECK(altitude.highest < 750);
    CHECK(fuel.lowest > 0);
    CHECK(fuel.highest <= 100);
  }
}

TEST_CASE("vehicle model: odometer, position and acceleration agree with the speed") {
  VehicleModel model(5);
  VehicleState last = model.state();
  const double start_km = last.odometer_km;
  double integral_m = 0;
  double worst_acceleration = 0;
  double worst_excess_m = -1;
  double longest_way_m = 0;
  for (int i = 0; i < 60'000; ++i) {
    const VehicleState now = model.step(kStep);
    integral_m += (last.speed_km_h + now.speed_km_h) / 2 / 3.6 * kStepSeconds;
    worst_acceleration =
        std::max(worst_acceleration,
                 std::abs((now.speed_km_h - last.speed_km_h) / 3.6 / kStepSeconds - now.acceleration_m_s2));
    const double moved_m = distance_between_m(place_of(last), place_of(now));
    const double allowed_m = std::max(last.speed_km_h, now.speed_km_h) / 3.6 * kStepSeconds;
    worst_excess_m = std::max(worst_excess_m, moved_m - allowed_m);
    longest_way_m = std::max(longest_way_m, moved_m);
    last = now;
  }
  const double driven_m = (last.odometer_km - start_km) * 1000;
  CHECK(driven_m > 5000);
  CHECK(driven_m == doctest::Approx(integral_m).epsilon(1e-6));
  CHECK(worst_acceleration < 1e-6);
  CHECK(worst_excess_m < 1e-3);  // a millimetre: degrees as doubles resolve a nanometre, the haversine less
  CHECK(longest_way_m > 0.2);
}

TEST_CASE("vehicle model: deceleration is the acceleration's negative part and nothing else") {
  VehicleModel model(3);
  int slowing = 0;
  int wrong = 0;
  for (int i = 0; i < 60'000; ++i) {
    const VehicleState& now = model.step(kStep);
    if (now.deceleration_m_s2 != std::max(0.0, -now.acceleration_m_s2)) ++wrong;
    if (now.deceleration_m_s2 > 0.5) ++slowing;
  }
  CHECK(wrong == 0);
  CHECK(slowing > 100);
}

TEST_CASE("vehicle model: with the clutch closed the engine turns as gear and speed say") {
  VehicleModel model(4);
  VehicleState last = model.state();
  int compared = 0;
  double worst = 0;
  std::set<int> gears;
  int gear_age = 0;
  for (int i = 0; i < 60'000; ++i) {
    const VehicleState now = model.step(kStep);
    gear_age = now.gear == last.gear ? gear_age + 1 : 0;
    gears.insert(now.gear);
    last = now;
    if (now.gear == 0 || gear_age < 50) continue;
    const double expected = Powertrain::closed_clutch_rpm(now.gear, now.speed_km_h / 3.6);
    if (expected < 1300) continue;  // the clutch slips
    ++compared;
    worst = std::max(worst, std::abs(now.engine_rpm - expected) / expected);
  }
  CHECK(compared > 10'000);
  CHECK(worst < 0.06);
  CHECK(gears == std::set<int>{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("vehicle model: standing at a light it idles, parked it is off, and it starts again") {
  VehicleModel model(6);
  std::set<Ignition> seen;
  int idling = 0;
  double off_volts = 0;
  double running_volts = 0;
  int starts = 0;
  Ignition last = Ignition::kOff;
  for (int i = 0; i < 60'000; ++i) {
    const VehicleState& now = model.step(kStep);
    seen.insert(now.ignition);
    if (now.ignition == Ignition::kStart && last != Ignition::kStart) ++starts;
    last = now.ignition;
    if (now.ignition == Ignition::kOff) off_volts = now.battery_volts;
    if (now.speed_km_h == 0 && std::abs(now.engine_rpm - 750) < 25) ++idling;
    if (now.speed_km_h > 20) running_volts = now.battery_volts;
  }
  CHECK(seen == std::set<Ignition>{Ignition::kOff, Ignition::kOn, Ignition::kStart});
  CHECK(starts > 1);
  CHECK(idling > 1000);
  CHECK(off_volts == doctest::Approx(12.4).epsilon(0.02));
  CHECK(running_volts == doctest::Approx(14.1).epsilon(0.02));
}

TEST_CASE("vehicle model: the coolant warms up to its working temperature and stays there") {
  VehicleModel model(8);
  CHECK(model.state().coolant_degc < 50);
  for (int i = 0; i < 30; ++i) model.step(seconds(60));
  Extremes warm;
  for (int i = 0; i < 6'000; ++i) warm.see(model.step(milliseconds(200)).coolant_degc);
  CHECK(warm.lowest > 75);
  CHECK(warm.highest < 100);
}

TEST_CASE("vehicle model: fuel use is that of a van, and the tank is filled before it is empty") {
  std::uint64_t seed = 1;
  while (VehicleModel(seed).state().fuel_percent > 41) ++seed;  // fewer hours until the tank is low
  CAPTURE(seed);
  VehicleModel model(seed);
  const double begin_km = model.state().odometer_km;
  double last_percent = model.state().fuel_percent;
  double burnt_percent = 0;
  double lowest_percent = 100;
  bool was_filled = false;
  for (int i = 0; i < 6 * 3600 && !was_filled; ++i) {
    const double percent = model.step(seconds(1)).fuel_percent;
    if (percent < last_percent) burnt_percent += last_percent - percent;
    was_filled = percent > 95;
    lowest_percent = std::min(lowest_percent, percent);
    last_percent = percent;
  }
  const double driven_km = model.state().odometer_km - begin_km;
  const double litres_per_100_km = burnt_percent / 100 * 70 / driven_km * 100;
  CHECK(driven_km > 20);
  CHECK(litres_per_100_km > 5);
  CHECK(litres_per_100_km < 18);
  CHECK(was_filled);
  CHECK(lowest_percent > 15);
}

TEST_CASE("vehicle model: the same seed drives the same way to the last bit, another one does not") {
  const std::vector<std::uint64_t> drive = bits_of_drive(11);
  CHECK(drive == bits_of_drive(11));
  CHECK(drive != bits_of_drive(12));
}

TEST_CASE("route: a lap ends where it began, and its length is that of its line") {
  Random random(21);
  const Route route(random);
  CHECK(route.length_m() > 10'000);
  CHECK(route.length_m() < 60'000);
  CHECK(distance_between_m(route.at(0), route.at(route.length_m())) < 1e-3);
  double walked_m = 0;
  double steepest = 0;
  double worst_heading = 0;
  constexpr double kStepM = 1;
  const int steps = static_cast<int>(route.length_m() / kStepM) - 1;
  for (int step = 0; step < steps; ++step) {
    const RoutePoint here = route.at(step * kStepM);
    const RoutePoint next = route.at((step + 1) * kStepM);
    walked_m += distance_between_m(here, next);
    steepest = std::max(steepest, std::abs(here.grade));
    worst_heading =
        std::max(worst_heading, std::abs(std::remainder(next.heading_deg - here.heading_deg, 360)));
    REQUIRE(std::abs((next.altitude_m - here.altitude_m) / kStepM - here.grade) < 0.01);
  }
  CHECK(walked_m == doctest::Approx(route.length_m()).epsilon(2e-4));
  CHECK(steepest < 0.08);
  CHECK(worst_heading < 2);
}

}  // namespace outrider
