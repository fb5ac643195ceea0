// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <vector>

#include "platform/simulated/random.h"

namespace outrider {

struct RoutePoint {
  double latitude_deg = 0;
  double longitude_deg = 0;
  double altitude_m = 0;
  double heading_deg = 0;  ///< Clockwise from north, [0, 360).
  double grade = 0;        ///< Rise over run; positive uphill.
};

/// A closed road of some 15 to 35 km around a town, another one for every seed.
///
/// Shape    the line between two of its points is straight in latitude and longitude, and distances along it are
///          great-circle lengths: a position never moves further than the odometer.
class Route {
 public:
  explicit Route(Random& random);

  double length_m() const { return vertices_.back().distance_m; }
  /// `distance_m` may be anything; it is taken modulo the length.
  RoutePoint at(double distance_m) const;
  double grade_at(double distance_m) const;

 private:
  struct Vertex {
    double latitude_deg;
    double longitude_deg;
    double distance_m;  ///< From the start, along the route.
  };
  struct Hill {
    double height_m;
    double count;  ///< Hills of this kind per lap; whole, so that the end meets the beginning.
    double phase;
  };

  double heading_of_segment(std::size_t first) const;

  std::vector<Vertex> vertices_;  ///< First and last are the same place.
  std::array<Hill, 3> hills_{};
  double base_altitude_m_ = 0;
};

/// Great-circle distance on a sphere of 6371 km, the haversine formula.
double distance_between_m(const RoutePoint& from, const RoutePoint& to);

}  // namespace outrider
