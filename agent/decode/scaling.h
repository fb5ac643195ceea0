// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/decode/dbc.h"

namespace outrider {

/// How a raw number becomes a physical value: (raw * factor + offset) / divisor.
///
/// Values   `is_exact`: factor and offset are chosen so that raw * factor + offset has no rounding for any raw value
///          of the signal, and none either when the sign is folded into the offset (`for_offset_binary`). Then the
///          only rounding is that of the division, and the result is the double nearest to the decimal that the DBC
///          file means. A factor such as 0.0625, whole in powers of two, needs no division at all.
struct Scaling {
  double factor = 1;
  double offset = 0;
  double divisor = 1;  ///< 10^n; 1 when there is nothing to divide.
  int decimals = 0;    ///< Most digits after the point that a value has; 0 also when unknown.
  bool is_exact = false;
  bool may_overflow = false;  ///< Some raw value gives infinity.

  bool divides() const { return divisor != 1; }
  double apply(double raw) const { return (raw * factor + offset) / divisor; }
  /// The same values from raw + `sign`, the weight of the sign bit (0: unsigned). Needs `is_exact` when `sign` is not 0.
  Scaling for_offset_binary(std::uint64_t sign) const;
};

Scaling scaling_of(const DbcSignal& signal);

}  // namespace outrider
