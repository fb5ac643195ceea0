// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "agent/store/row.h"

namespace outrider {

/// What waits in one stream.
struct Backlog {
  Sequence oldest = 0;     ///< Oldest committed row that is not acknowledged; 0 when none waits.
  Sequence newest = 0;     ///< Newest committed row ever; 0 when there never was one.
  std::uint64_t rows = 0;  ///< Committed rows that wait.
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;  ///< Of payload.
};

/// The arithmetic of one stream since its epoch began: sampled = delivered + waiting + lost.
struct Ledger {
  /// Samples the selection wanted, including those lost before they had a number.
  std::uint64_t sampled = 0;
  std::uint64_t delivered = 0;  ///< Acknowledged by the broker.
  std::uint64_t waiting = 0;    ///< Stored and staged.
  /// Reported in rows ("lost", gap records): samples, or frames where no sample was decoded yet. Per cause: `losses`.
  std::uint64_t lost = 0;
};

}  // namespace outrider
