// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "platform/simulated/random.h"

namespace outrider {

/// What stands beside the road: speed limits, traffic lights with their own rhythm, addresses where goods are delivered.
class Traffic {
 public:
  Traffic(Random& random, double route_length_m);

  struct Stop {
    double at_m;  ///< Along the route.
    bool is_delivery;
    double period_s;  ///< Of the light.
    double red_s;     ///< How long of the period it is red.
    double phase_s;
    double limit_km_h;  ///< Speed limit from here to the next stop.

    bool is_red(double time_s) const;
  };

  /// At least two, in the order of the road.
  const std::vector<Stop>& stops() const { return stops_; }

 private:
  std::vector<Stop> stops_;
};

}  // namespace outrider
