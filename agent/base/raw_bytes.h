// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstring>
#include <string>
#include <string_view>

namespace outrider {

// Stored in the byte order of every machine we run on; another would need a swap here.
static_assert(std::endian::native == std::endian::little);

/// Appends the bytes of a number, for `take_raw`.
template <class T>
void append_raw(std::string& out, T value) {
  char bytes[sizeof(T)];  // NOLINT(modernize-avoid-c-arrays)
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

/// Takes a number off the front; zero, and nothing is left, when there are too few bytes, which only damage can cause.
template <class T>
T take_raw(std::string_view& in) {
  T value{};
  if (in.size() < sizeof(T)) {
    in = {};
    return value;
  }
  std::memcpy(&value, in.data(), sizeof(T));
  in.remove_prefix(sizeof(T));
  return value;
}

}  // namespace outrider
