// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "agent/store/row.h"

namespace outrider {

/// A row that can never be delivered as it is, kept for a person to look at. Its gap record has been reported.
struct DeadLetter {
  std::int64_t id = 0;  ///< Grows; never used again.
  StreamIndex stream = 0;
  std::string epoch;  ///< In which row.seq was its number.
  std::string reason;
  Row row;
};

}  // namespace outrider
