// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/signal_bits.h"

#include <algorithm>

#include "agent/base/ensure.h"
#include "agent/decode/byte_order.h"

namespace outrider {

SignalBits locate(const DbcSignal& signal) {
  ENSURE(signal.width >= 1 && signal.width <= 64);
  SignalBits bits;
  bits.mask = ~std::uint64_t{0} >> (64 - signal.width);
  bits.is_motorola = signal.order == ByteOrder::kMotorola;

  // Positions count along the bytes as they are sent: Intel from weight 0 up, Motorola from weight 7 down, so that
  // the signal is one unbroken range in either order.
  const std::uint32_t start = signal.start_bit;
  const std::uint32_t first = bits.is_motorola ? start / 8 * 8 + 7 - start % 8 : start;
  const std::uint32_t last = first + signal.width - 1U;
  bits.needed = static_cast<std::uint16_t>(last / 8 + 1);
  if (bits.needed > kFrameBytes) return bits;

  bits.is_nine = last / 8 - first / 8 == 8;
  const std::uint32_t base = std::min<std::uint32_t>(first / 8, kFrameBytes - 8);
  bits.base = static_cast<std::uint8_t>(base);
  if (bits.is_nine)
    bits.shift = static_cast<std::uint8_t>(bits.is_motorola ? last % 8 + 1 : first % 8);
  else
    bits.shift = static_cast<std::uint8_t>(bits.is_motorola ? 63 - (last - base * 8) : first - base * 8);
  return bits;
}

std::uint64_t raw_bits(const SignalBits& bits, const std::uint8_t* data) {
  const std::uint8_t* bytes = data + bits.base;
  const std::uint64_t eight = bits.is_motorola ? load_eight<true>(bytes) : load_eight<false>(bytes);
  if (!bits.is_nine) return (eight >> bits.shift) & bits.mask;
  const std::uint64_t ninth = bytes[8];
  const std::uint64_t raw = bits.is_motorola ? (eight << bits.shift) | (ninth >> (8 - bits.shift))
                                             : (eight >> bits.shift) | (ninth << (64 - bits.shift));
  return raw & bits.mask;
}

}  // namespace outrider
