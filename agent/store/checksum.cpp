// SPDX-License-Identifier: Apache-2.0
#include "agent/store/checksum.h"

#include <zlib.h>

namespace outrider {

std::uint32_t checksum(std::string_view bytes, std::uint32_t before) {
  if (bytes.empty())
    return before;  // zlib takes a null pointer, which an empty view may hold, for a call to begin anew
  return static_cast<std::uint32_t>(
      crc32_z(before, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

}  // namespace outrider
