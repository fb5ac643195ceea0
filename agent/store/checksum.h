// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace outrider {

/// In place of the checksum of what was written before there were any.
inline constexpr std::int64_t kNoChecksum = -1;

/// CRC-32 (ISO-HDLC, as zlib and Ethernet compute it) of `bytes`, going on from `before`.
std::uint32_t checksum(std::string_view bytes, std::uint32_t before = 0);

}  // namespace outrider
