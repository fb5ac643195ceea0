// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "agent/base/time.h"

namespace outrider {

/// Index of a series in its vehicle's catalogue; 0.. in the order of first sight, never reused while the
/// agent runs.
using SeriesIndex = std::uint32_t;

/// One value of one series at one time: what the selection keeps and rows carry.
struct Sample {
  SeriesIndex series = 0;
  BootTime time{};
  double value = 0;  ///< In the series' unit; finite.
};

/// What the catalogue says about a series.
struct SeriesInfo {
  std::string name = {};    ///< Published name, unique within the vehicle.
  std::string unit = {};    ///< As the DBC or the configuration writes it; empty: none.
  std::string source = {};  ///< "MESSAGE.SIGNAL".
  std::string bus = {};
  int decimals = 0;  ///< Printing hint for write_number.
};

}  // namespace outrider
