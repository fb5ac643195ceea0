// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace outrider {

/// Watches MQTT packets pass in pieces, for one that is longer than may be. A client library makes room for the length
/// that a packet claims, up to 256 MB, before it looks at anything else.
///
/// Source   fixed header: OASIS MQTT 5.0, sections 1.5.5 and 2.1.
/// Threads  pure.
class PacketGuard {
 public:
  explicit PacketGuard(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// False when these bytes begin a packet that is too long, or whose length no packet can have.
  bool lets_pass(std::span<const char> bytes) {
    while (!bytes.empty()) {
      if (!is_in_header_) {
        const std::size_t skipped = std::min(rest_, bytes.size());
        rest_ -= skipped;
        bytes = bytes.subspan(skipped);
        is_in_header_ = rest_ == 0;
      } else if (!take_header(static_cast<std::uint8_t>(bytes.front()))) {
        return false;
      } else {
        bytes = bytes.subspan(1);
      }
    }
    return true;
  }

 private:
  /// One byte: the type, or seven bits of the length, the highest bit saying that there are more.
  bool take_header(std::uint8_t byte) {
    constexpr unsigned kMostLengthBytes = 4;
    if (header_bytes_++ == 0) return true;
    rest_ |= static_cast<std::size_t>(byte & 0x7FU) << 7U * (header_bytes_ - 2);
    if (rest_ > most_bytes_) return false;
    if ((byte & 0x80U) != 0) return header_bytes_ <= kMostLengthBytes;
    header_bytes_ = 0;
    is_in_header_ = rest_ == 0;
    return true;
  }

  const std::size_t most_bytes_;
  std::size_t rest_ = 0;  // of the packet behind its header; while in the header, what is known of it
  unsigned header_bytes_ = 0;
  bool is_in_header_ = true;
};

}  // namespace outrider
