// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/packer.h"

#include "agent/base/log.h"
#include "agent/publish/timeline.h"

namespace outrider {

std::optional<Packer::Packed> Packer::pack(StreamIndex stream, Sequence from, Limits limits,
                                           MessageText& text) {
  rows_.clear();
  if (const auto read = outbox_.read(stream, from, limits.bytes, limits.rows, rows_); !read)
    log_error("store.read", read.error().text);
  if (rows_.empty()) return std::nullopt;
  text.begin(format_of(rows_.front(), outbox_.streams()[stream].channel));
  RowRange range{.first = rows_.front().seq};
  for (const Row& row : rows_) {
    if (!text.takes(row, limits.bytes)) break;
    add(row, text);
    range.last = row.through;
    ++range.rows;
  }
  range.is_gap = range.rows == 1 && rows_.front().format == RowFormat::kGap;
  return Packed{range, text.finish()};
}

void Packer::add(const Row& row, MessageText& text) const {
  const std::vector<OffsetEntry>& offsets = outbox_.offsets();
  const RowTime time = wall_time(offsets, row.boot, row.time);
  if (row.format != RowFormat::kGap) return text.add(row, time);
  const Gap gap = parse_gap(row.payload);
  text.add_gap(row, gap, time.time, wall_time(offsets, gap.until_boot, gap.until).time);
}

RowFormat Packer::format_of(const Row& row, Channel channel) const {
  return row.format == RowFormat::kGap ? gap_format(channel, layout_) : row.format;
}

}  // namespace outrider
