// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "agent/decode/dbc.h"

namespace outrider {

/// J1939-21: who sent a frame with this 29-bit id.
inline std::uint8_t source_address_of(std::uint32_t id) { return static_cast<std::uint8_t>(id); }

/// Raw bits that are values and not codes such as "not available": those up to the returned one, in offset binary.
///
/// Shape    offset binary is the raw number with the sign bit of signed signals flipped, so that one unsigned
///          comparison serves both. nullopt: every code of this signal is a value (selectors, IEEE numbers, one bit).
/// Source   J1939-71 section 5.1.4, unsigned: by the most significant byte, 0xFA is the last value, 0xFB is parameter
///          specific, 0xFC and 0xFD reserved, 0xFE error, 0xFF not available; 2 to 7 bits: all ones not available,
///          one less error. The table there ends at 32 bits: longer fields are names, text and bit strings.
///          NMEA 2000 (data page 1 from PGN 0x1ED00 on) and every signed field: the largest value of the type is
///          not available, and the one below an error where the type reaches 7, as canboat's analyzer (2023) reads
///          it; a type that reaches 3 has only not available, a shorter one neither.
std::optional<std::uint64_t> last_value(const DbcSignal& signal, std::uint32_t pgn);

}  // namespace outrider
