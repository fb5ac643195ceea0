// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/scaling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>

namespace outrider {
namespace {

constexpr std::int64_t kExactIntegers = 1LL << 53;  // doubles hold every integer below this
constexpr int kMostDecimals = 15;                   // as Decimal promises; 10^15 is an exact double

std::int64_t power(std::int64_t base, int exponent) {
  std::int64_t result = 1;
  for (int i = 0; i < exponent; ++i) result *= base;
  return result;
}

/// digits * 10^places when a double holds it exactly.
std::optional<std::int64_t> shifted(std::int64_t digits, int places) {
  const std::int64_t ten = power(10, places);
  if (digits <= -kExactIntegers / ten || digits >= kExactIntegers / ten) return std::nullopt;
  return digits * ten;
}

bool is_usable(const Decimal& decimal) {
  return decimal.is_exact && decimal.decimals >= 0 && decimal.decimals <= kMostDecimals;
}

std::optional<Scaling> exact_scaling(const DbcSignal& signal) {
  if (signal.type != ValueType::kUnsigned && signal.type != ValueType::kSigned) return std::nullopt;
  if (!is_usable(signal.factor) || !is_usable(signal.offset)) return std::nullopt;
  int decimals = std::max(signal.factor.decimals, signal.offset.decimals);
  const auto factor = shifted(signal.factor.digits, decimals - signal.factor.decimals);
  const auto offset = shifted(signal.offset.digits, decimals - signal.offset.decimals);
  if (!factor || !offset) return std::nullopt;
  std::int64_t n = *factor;
  std::int64_t m = *offset;
  for (; decimals > 0 && n % 10 == 0 && m % 10 == 0; --decimals) {
    n /= 10;
    m /= 10;
  }
  // Twice what the values of a signed signal need: its offset binary number reaches 2^width.
  const double largest = std::ldexp(1.0, signal.width) * std::fabs(static_cast<double>(n));
  if (largest + std::fabs(static_cast<double>(m)) >= static_cast<double>(kExactIntegers)) return std::nullopt;

  Scaling scaling{static_cast<double>(n),
                  static_cast<double>(m),
                  static_cast<double>(power(10, decimals)),
                  decimals,
                  true,
                  false};
  const std::int64_t fives = power(5, decimals);
  if (n % fives == 0 &&
      m % fives == 0) {  // 10^d = 2^d * 5^d: what is left are powers of two, exact in a double
    n /= fives;
    m /= fives;
    scaling.factor = std::ldexp(static_cast<double>(n), -decimals);
    scaling.offset = std::ldexp(static_cast<double>(m), -decimals);
    scaling.divisor = 1;
  }
  return scaling;
}

}  // namespace

Scaling Scaling::for_offset_binary(std::uint64_t sign) const {
  Scaling shifted_scaling = *this;
  shifted_scaling.offset -= factor * static_cast<double>(sign);
  return shifted_scaling;
}

Scaling scaling_of(const DbcSignal& signal) {
  if (const auto exact = exact_scaling(signal)) return *exact;
  Scaling scaling;
  scaling.factor = signal.factor.value;
  scaling.offset = signal.offset.value;
  const double largest =
      std::ldexp(1.0, signal.width) * std::fabs(scaling.factor) + std::fabs(scaling.offset);
  scaling.may_overflow = !std::isfinite(largest);
  return scaling;
}

}  // namespace outrider
