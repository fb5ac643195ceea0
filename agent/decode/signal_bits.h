// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "agent/decode/dbc.h"

namespace outrider {

/// Bytes that `raw_bits` may read: what CanFrame.data has.
inline constexpr std::uint16_t kFrameBytes = 64;

/// Where the bits of one signal are in a frame, ready to be taken out with one load and one shift.
///
/// Source   Vector DBC bit numbering: bit n is byte n/8, weight 2^(n%8), for both byte orders; the start bit is the
///          least significant one (Intel) or the most significant one (Motorola, which continues at weight 7 of the
///          next byte).
struct SignalBits {
  std::uint64_t mask = 0;    ///< As many ones as the signal has bits.
  std::uint16_t needed = 0;  ///< Bytes a frame must have to hold the signal; above kFrameBytes: none can.
  std::uint8_t base = 0;  ///< First of the eight bytes to load, 0..56: the load stays inside the frame's 64.
  std::uint8_t shift =
      0;  ///< Right shift after load and swap; `is_nine`: bits outside the eight, see raw_bits.
  bool is_motorola = false;
  bool is_nine = false;  ///< Touches nine bytes: more than 57 bits, not aligned.
};

/// Shape    `signal.width` is 1..64.
SignalBits locate(const DbcSignal& signal);

/// The raw bits as an unsigned number; `data` has kFrameBytes bytes, `bits.needed` of them received.
std::uint64_t raw_bits(const SignalBits& bits, const std::uint8_t* data);

}  // namespace outrider
