// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace outrider {

/// Eight bytes as a number, at any alignment; compiles to one load and at most one swap.
template <bool IsBigEndian>
std::uint64_t load_eight(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  constexpr bool kHostIsBig = std::endian::native == std::endian::big;
  return IsBigEndian == kHostIsBig ? value : __builtin_bswap64(value);
}

}  // namespace outrider
