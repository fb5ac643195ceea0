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
  text.begin(message_format(rows_.front(), outbox_.streams()[stream].channel, layout_));
  RowRange range{.first = rows_.front().seq};
  for (const Row& row : rows_) {
    if (!text.takes(row, limits.bytes)) break;
    add_row(text, row, outbox_.offsets());
    range.last = row.through;
    ++range.rows;
  }
  range.is_gap = range.rows == 1 && rows_.front().format == RowFormat::kGap;
  return Packed{range, text.finish()};
}

}  // namespace outrider
