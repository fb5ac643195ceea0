// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "agent/ports/can_port.h"

namespace outrider {

/// Turns physical values into frames by a DBC file, so that a simulated bus speaks exactly what a real one
/// would.
class FrameEncoder {
 public:
  struct SignalValue {
    std::string_view name;
    double value;  ///< Physical, in the DBC's unit.
  };

  virtual ~FrameEncoder() = default;

  /// The frame of `message` with these signals set and all others zero; values beyond the signal's range
  /// saturate. nullopt when the DBC files of the configuration have no such message; signals they do not have
  /// are skipped.
  virtual std::optional<CanFrame> encode(std::string_view message,
                                         std::span<const SignalValue> values) const = 0;
};

}  // namespace outrider
