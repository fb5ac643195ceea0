// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/j1939.h"

namespace outrider {
namespace {

constexpr std::uint32_t kFirstNmea2000 = 0x1ED00;  // PGN 126208, the lowest one NMEA assigned

}  // namespace

std::optional<std::uint64_t> last_value(const DbcSignal& signal, std::uint32_t pgn) {
  const bool is_signed = signal.type == ValueType::kSigned;
  // A selector names a case and no quantity: TP.CM's control byte 255 is "abort".
  if (signal.is_selector || !(is_signed || signal.type == ValueType::kUnsigned)) return std::nullopt;

  const std::uint64_t ones = ~std::uint64_t{0} >> (64 - signal.width);
  if (is_signed || (pgn >= kFirstNmea2000 && pgn <= 0x1FFFF)) {
    const std::uint64_t largest = is_signed ? ones >> 1 : ones;
    if (largest <= 1) return std::nullopt;
    return ones - (largest >= 7 ? 2 : 1);
  }
  if (signal.width == 1 || signal.width > 32) return std::nullopt;
  if (signal.width < 8) return ones - 2;
  return (std::uint64_t{0xFB} << (signal.width - 8)) - 1;
}

}  // namespace outrider
