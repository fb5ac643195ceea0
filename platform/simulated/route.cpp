// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/route.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace outrider {
namespace {

constexpr double kEarthRadiusMetres = 6'371'000;
constexpr double kDegree = std::numbers::pi / 180;
constexpr double kTurn = 2 * std::numbers::pi;
// Somewhere in the hills of southern Germany; every route lies within some 15 km.
constexpr double kRegionLatitude = 48.40;
constexpr double kRegionLongitude = 9.99;
constexpr int kSegments = 512;

}  // namespace

double distance_between_m(const RoutePoint& from, const RoutePoint& to) {
  const double north = std::sin((to.latitude_deg - from.latitude_deg) * kDegree / 2);
  const double east = std::sin((to.longitude_deg - from.longitude_deg) * kDegree / 2);
  const double chord = north * north + std::cos(from.latitude_deg * kDegree) *
                                           std::cos(to.latitude_deg * kDegree) * east * east;
  return 2 * kEarthRadiusMetres * std::asin(std::min(1.0, std::sqrt(chord)));
}

Route::Route(Random& random) : base_altitude_m_(random.between(430, 620)) {
  const double radius_m = random.between(2500, 5000);
  const double centre_latitude = kRegionLatitude + random.between(-0.06, 0.06);
  const double centre_longitude = kRegionLongitude + random.between(-0.09, 0.09);
  // A circle with two harmonics is a smooth road that never crosses itself as long as their sum stays below 1.
  const double oval = random.between(0.1, 0.3);
  const double bends = random.between(0.03, 0.1);
  const double oval_phase = random.between(0, kTurn);
  const double bends_phase = random.between(0, kTurn);

  const double degrees_per_m = 1 / (kEarthRadiusMetres * kDegree);
  vertices_.reserve(kSegments + 1);
  for (int i = 0; i <= kSegments; ++i) {
    const double angle = kTurn * (i % kSegments) / kSegments;
    const double reach =
        radius_m * (1 + oval * std::cos(2 * angle + oval_phase) + bends * std::cos(5 * angle + bends_phase));
    Vertex vertex{
        centre_latitude + reach * std::cos(angle) * degrees_per_m,
        centre_longitude + reach * std::sin(angle) * degrees_per_m / std::cos(centre_latitude * kDegree), 0};
    if (i > 0) {
      const Vertex& last = vertices_.back();
      vertex.distance_m =
          last.distance_m +
          distance_between_m({.latitude_deg = last.latitude_deg, .longitude_deg = last.longitude_deg},
                             {.latitude_deg = vertex.latitude_deg, .longitude_deg = vertex.longitude_deg});
    }
    vertices_.push_back(vertex);
  }
  // Heights that keep every grade below about 4 % on the shortest route.
  hills_ = {{{random.between(20, 60), 1, random.between(0, kTurn)},
             {random.between(8, 20), 3, random.between(0, kTurn)},
             {random.between(3, 8), 11, random.between(0, kTurn)}}};
}

double Route::heading_of_segment(std::size_t first) const {
  const std::size_t segment = first % kSegments;
  const Vertex& from = vertices_[segment];
  const Vertex& to = vertices_[segment + 1];
  const double east = (to.longitude_deg - from.longitude_deg) * std::cos(from.latitude_deg * kDegree);
  return std::atan2(east, to.latitude_deg - from.latitude_deg) / kDegree;
}

RoutePoint Route::at(double distance_m) const {
  double along = std::fmod(distance_m, length_m());
  if (along < 0) along += length_m();
  const auto after =
      std::upper_bound(vertices_.begin() + 1, vertices_.end() - 1, along,
                       [](double value, const Vertex& vertex) { return value < vertex.distance_m; });
  const Vertex& to = *after;
  const Vertex& from = *(after - 1);
  const double share = (along - from.distance_m) / (to.distance_m - from.distance_m);

  RoutePoint point;
  point.latitude_deg = from.latitude_deg + share * (to.latitude_deg - from.latitude_deg);
  point.longitude_deg = from.longitude_deg + share * (to.longitude_deg - from.longitude_deg);

  // A wheel is turned gradually: from the middle of one segment to the middle of the next.
  const auto segment = static_cast<std::size_t>(after - 1 - vertices_.begin());
  const std::size_t before = share < 0.5 ? segment + kSegments - 1 : segment;
  const double blend = share < 0.5 ? share + 0.5 : share - 0.5;
  const double heading = heading_of_segment(before);
  const double change = std::remainder(heading_of_segment(before + 1) - heading, 360);
  point.heading_deg = std::fmod(heading + blend * change + 720, 360);

  point.altitude_m = base_altitude_m_;
  for (const Hill& hill : hills_) {
    const double per_m = kTurn * hill.count / length_m();
    point.altitude_m += hill.height_m * std::sin(per_m * along + hill.phase);
  }
  point.grade = grade_at(along);
  return point;
}

double Route::grade_at(double distance_m) const {
  double grade = 0;
  for (const Hill& hill : hills_) {
    const double per_m = kTurn * hill.count / length_m();
    grade += hill.height_m * per_m * std::cos(per_m * distance_m + hill.phase);
  }
  return grade;
}

}  // namespace outrider
