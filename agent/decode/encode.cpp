// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>

#include "agent/decode/decoder.h"
#include "agent/decode/scaling.h"
#include "agent/decode/signal_bits.h"

namespace outrider {
namespace {

/// Whole numbers that `signal` can hold; from 54 bits on the upper end rounds up to the next power of two.
struct RawRange {
  double lowest;
  double highest;
};

RawRange raw_range(const DbcSignal& signal) {
  if (signal.type == ValueType::kSigned) {
    const double half = std::ldexp(1.0, signal.width - 1);
    return {-half, half - 1};
  }
  return {0, std::ldexp(1.0, signal.width) - 1};
}

/// `number` is whole and in range, or one past it by rounding.
std::uint64_t integer_bits(double number, const DbcSignal& signal) {
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - signal.width);
  if (signal.type == ValueType::kSigned) {
    if (number >= std::ldexp(1.0, signal.width - 1)) return mask >> 1;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(number)) & mask;
  }
  return number >= std::ldexp(1.0, signal.width) ? mask : static_cast<std::uint64_t>(number);
}

std::uint64_t nearest_bits(const DbcSignal& signal, double physical) {
  const Scaling scaling = scaling_of(signal);
  if (std::isnan(physical) || scaling.factor == 0) return 0;
  const RawRange range = raw_range(signal);
  const auto miss = [&](double raw) { return std::fabs(scaling.apply(raw) - physical); };
  double best = std::nearbyint((physical * scaling.divisor - scaling.offset) / scaling.factor);
  if (std::isnan(best)) return 0;
  best = std::clamp(best, range.lowest, range.highest);
  // The estimate went through three roundings; the nearest raw value is the one that decodes nearest.
  for (bool is_better = true; is_better;) {
    is_better = false;
    const double step = std::max(1.0, std::nextafter(std::fabs(best), INFINITY) - std::fabs(best));
    for (const double other : {best - step, best + step}) {
      if (other < range.lowest || other > range.highest || !(miss(other) < miss(best))) continue;
      best = other;
      is_better = true;
      break;
    }
  }
  return integer_bits(best, signal);
}

std::uint64_t raw_for(const DbcSignal& signal, double physical) {
  const bool is_single = signal.type == ValueType::kFloat32;
  if (!is_single && signal.type != ValueType::kFloat64) return nearest_bits(signal, physical);
  const double factor = signal.factor.value == 0 ? 1 : signal.factor.value;
  const double number = (physical - signal.offset.value) / factor;
  if (!is_single) return std::bit_cast<std::uint64_t>(number);
  constexpr double kLargest = 0x1.fffffep127;  // converting more to float is undefined
  return std::bit_cast<std::uint32_t>(
      static_cast<float>(std::isnan(number) ? number : std::clamp(number, -kLargest, kLargest)));
}

/// Writes `raw` least significant bit first, at any length of payload.
void store(const DbcSignal& signal, std::uint64_t raw, std::span<std::uint8_t> payload) {
  const bool is_motorola = signal.order == ByteOrder::kMotorola;
  const std::uint32_t first =
      is_motorola ? signal.start_bit / 8U * 8 + 7 - signal.start_bit % 8U : signal.start_bit;
  for (std::uint32_t i = 0; i < signal.width; ++i) {
    const std::uint32_t position = is_motorola ? first + signal.width - 1 - i : first + i;
    const unsigned weight = is_motorola ? 7 - position % 8 : position % 8;
    std::uint8_t& byte = payload[position / 8];
    byte = static_cast<std::uint8_t>((byte & ~(1U << weight)) |
                                     (static_cast<unsigned>((raw >> i) & 1U) << weight));
  }
}

}  // namespace

bool encode_signal(const DbcSignal& signal, double physical, std::span<std::uint8_t> payload) {
  if (signal.width < 1 || signal.width > 64 || locate(signal).needed > payload.size()) return false;
  store(signal, raw_for(signal, physical), payload);
  return true;
}

}  // namespace outrider
