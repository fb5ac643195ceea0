// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/timeline.h"

#include <chrono>

namespace outrider {

RowTime wall_time(const std::vector<OffsetEntry>& offsets, std::uint32_t boot, BootTime time) {
  const OffsetEntry* held = nullptr;          // the last entry at or before `time`, else the boot's first
  const OffsetEntry* synced_later = nullptr;  // the first synced entry after `held`
  for (const OffsetEntry& entry : offsets) {
    if (entry.boot != boot) continue;
    if (held == nullptr || entry.from <= time) {
      held = &entry;
      synced_later = nullptr;
    }
    if (entry.is_synced && synced_later == nullptr) synced_later = &entry;
  }
  if (held == nullptr) return {WallTime(time.time_since_epoch()), ClockQuality::kEstimated};
  const auto at = [&](const OffsetEntry& entry) { return WallTime(time.time_since_epoch() + entry.offset); };
  if (held->is_synced) return {at(*held), ClockQuality::kSynced};
  if (synced_later != nullptr) return {at(*synced_later), ClockQuality::kCorrected};
  return {at(*held), ClockQuality::kEstimated};
}

void add_row(MessageText& text, const Row& row, const std::vector<OffsetEntry>& offsets) {
  const RowTime time = wall_time(offsets, row.boot, row.time);
  if (row.format != RowFormat::kGap) return text.add(row, time);
  const Gap gap = parse_gap(row.payload);
  text.add_gap(row, gap, time.time, wall_time(offsets, gap.until_boot, gap.until).time);
}

bool is_older(const std::vector<OffsetEntry>& offsets, const Moment& stored, const Moment& now,
              const TimeReference& reference, nanoseconds age) {
  if (stored.boot == now.boot) return now.time - stored.time > age;
  const RowTime then = wall_time(offsets, stored.boot, stored.time);
  if (then.quality == ClockQuality::kEstimated || !reference.is_synced) return false;
  return WallTime(now.time.time_since_epoch() + reference.offset) - then.time > age;
}

bool is_news(const std::vector<OffsetEntry>& offsets, std::uint32_t boot, const TimeReference& reference) {
  constexpr milliseconds kNoise{1};  // the two clocks are read microseconds apart
  const OffsetEntry* latest = nullptr;
  for (const OffsetEntry& entry : offsets)
    if (entry.boot == boot) latest = &entry;
  if (latest == nullptr) return true;
  if (reference.is_synced != latest->is_synced) return reference.is_synced;
  return std::chrono::abs(reference.offset - latest->offset) > kNoise;
}

}  // namespace outrider
