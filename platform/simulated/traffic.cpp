// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/traffic.h"

#include <cmath>

namespace outrider {
namespace {

/// Half of the road is in town, the rest is country road or fast road.
double speed_limit_km_h(Random& random) {
  const double draw = random.uniform();
  if (draw < 0.1) return 30;
  if (draw < 0.55) return 50;
  if (draw < 0.7) return 70;
  return draw < 0.9 ? 80 : 100;
}

}  // namespace

Traffic::Traffic(Random& random, double route_length_m) {
  double at_m = random.between(100, 300);
  // The first stop of the next lap must not follow the last one too closely.
  while (at_m < route_length_m - 200 || stops_.size() < 2) {
    const double limit_km_h = speed_limit_km_h(random);
    const double period_s = random.between(45, 90);
    stops_.push_back({.at_m = at_m,
                      .is_delivery = random.uniform() < 0.15,
                      .period_s = period_s,
                      .red_s = period_s * random.between(0.3, 0.5),
                      .phase_s = random.between(0, period_s),
                      .limit_km_h = limit_km_h});
    // Junctions are further apart where people drive faster.
    at_m += random.between(6, 20) * limit_km_h;
  }
}

bool Traffic::Stop::is_red(double time_s) const { return std::fmod(time_s + phase_s, period_s) < red_s; }

}  // namespace outrider
