// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "agent/base/loss_counts.h"
#include "agent/store/outbox.h"

namespace outrider {

struct MovedRows {
  std::uint64_t rows = 0;
  std::uint64_t samples = 0;
  /// By stream of the source: what is to be reported as lost because no row reports it any more. Gap records stay behind,
  /// for the numbers that they cover mean nothing elsewhere; so do rows that could be neither written nor staged.
  std::vector<LossCounts> losses = {};
  /// Of these, what the source's ledger did not count as lost.
  std::uint64_t newly_lost_samples = 0;
  std::uint64_t newly_lost_events = 0;
};

/// Moves everything that is committed and not acknowledged from an outbox, which is of no use afterwards, into another one
/// under new numbers. A row whose old number was seen by the broker may so arrive a second time under a second key.
///
/// Letters  dead ones stay behind: gap records have reported their samples as lost.
/// Order    within a stream as before, behind everything that is in the other one.
/// Durable  with the target's commits, which are made whenever its memory for staged rows is full, and at the end.
MovedRows move_rows(Outbox& from, Outbox& to);

}  // namespace outrider
