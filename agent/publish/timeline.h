// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "agent/publish/row_text.h"
#include "agent/store/outbox.h"

namespace outrider {

/// UTC of a stored boot time, by what is known now of that boot.
///
/// The entry that held at that time decides: synced. If it was not synced but a later entry of the same boot
/// is, that one's offset is right for the earlier time too, as boot time never steps: corrected. Else:
/// estimated.
///
/// Entries are only ever added behind, so a row that was published as synced gets the same time again.
///
/// Shape  `offsets` ordered by boot, then time.
RowTime wall_time(const std::vector<OffsetEntry>& offsets, std::uint32_t boot, BootTime time);

/// Adds a row of any kind to a message, with its wall times.
void add_row(MessageText& text, const Row& row, const std::vector<OffsetEntry>& offsets);

/// Whether a stored time is more than `age` before now, `now` of boot `boot_now` with this reference. False when no
/// clock that can be trusted tells: within a boot the boot clock does, across boots only two synced wall clocks do.
struct Moment {
  std::uint32_t boot = 0;
  BootTime time{};
};
bool is_older(const std::vector<OffsetEntry>& offsets, const Moment& stored, const Moment& now,
              const TimeReference& reference, nanoseconds age);

/// True when `reference` says something new about `boot`: nothing is known yet, it became synced, or the wall
/// clock was stepped by more than measuring noise. A clock that is merely slewed takes boot time with it.
bool is_news(const std::vector<OffsetEntry>& offsets, std::uint32_t boot, const TimeReference& reference);

}  // namespace outrider
