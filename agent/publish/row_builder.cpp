// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/row_builder.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "agent/base/json_text.h"
#include "agent/publish/row_text.h"

namespace outrider {
namespace {

/// The longest a value and its time can be in either layout: number, comma, 32-bit time, comma.
constexpr std::size_t kEntryBytes = kNumberBytes + 13;
/// What a series adds once (columns) or with each value (records) beside its name.
constexpr std::size_t kKeyBytes = 24;
/// Room for losses and the catalogue's name.
constexpr std::size_t kExtrasBytes = kMostLossCauses * 160;

std::int64_t milliseconds_between(BootTime from, BootTime to) {
  return std::chrono::duration_cast<milliseconds>(to - from).count();
}

char* write_text(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace

RowBuilder::RowBuilder(Layout layout, std::size_t max_bytes, std::size_t record_frame_bytes)
    : layout_(layout),
      max_bytes_(max_bytes),
      frame_bytes_(layout == Layout::kRecords ? record_frame_bytes : 0),
      entries_(max_bytes / kEntryBytes + 1),
      bound_bytes_(kExtrasBytes) {}

std::size_t RowBuilder::first_cost(const Series& series) const {
  return kEntryBytes + kKeyBytes + series.key.size() + frame_bytes_;
}

void RowBuilder::know(const std::vector<SeriesInfo>& all) {
  for (std::size_t i = series_.size(); i < all.size(); ++i) {
    Series& added = series_.emplace_back();
    append_json_string(added.key, all[i].name);
    added.key += ':';
    added.decimals = all[i].decimals;
    added.cost = first_cost(added);
  }
}

void RowBuilder::touch(Series& series, SeriesIndex index, std::uint32_t entry) {
  series.first = entry;
  if (layout_ == Layout::kColumns) series.cost = kEntryBytes;  // records repeat the key with every value
  touched_.push_back(index);
}

Row RowBuilder::build(const LossCounts& losses, std::string_view catalogue) {
  std::string extras;
  append_row_extras(extras, losses, catalogue);
  Row row{.format = layout_ == Layout::kColumns ? RowFormat::kColumnsJson : RowFormat::kRecordsJson,
          .samples = count_,
          .time = start_,
          .payload = {}};
  if (layout_ == Layout::kColumns) {
    text_.resize(std::max(text_.size(), bound_bytes_));  // grows a few times and then stays
    const auto length = static_cast<std::size_t>(write_columns(text_.data()) - text_.data());
    row.payload.reserve(length + extras.size());
    row.payload.assign(text_, 0, length);
    row.payload += extras;
  } else {
    text_.clear();
    write_records(extras);
    row.payload = text_;
  }
  start_over();
  return row;
}

Row RowBuilder::build_losses(const LossCounts& losses, BootTime time) const {
  Row row{.format = layout_ == Layout::kColumns ? RowFormat::kColumnsJson : RowFormat::kRecordsJson,
          .samples = 0,
          .time = time,
          .payload = {}};
  std::string extras;
  append_row_extras(extras, losses, {});
  if (layout_ == Layout::kColumns)
    row.payload = "\"signals\":{}" + extras;
  else
    append_record(row.payload, milliseconds(0),
                  extras.empty() ? std::string_view() : std::string_view(extras).substr(1));
  return row;
}

char* RowBuilder::write_columns(char* out) {
  out = write_text(out, "\"signals\":{");
  for (const SeriesIndex index : touched_) {
    out = write_column(out, series_[index]);
    *out++ = ',';
  }
  out[-1] = '}';
  return out;
}

char* RowBuilder::write_column(char* out, const Series& series) {
  out = write_text(out, series.key);
  out = write_text(out, "{\"t\":[");
  for (std::uint32_t i = series.first; i != kNone; i = entries_[i].next) {
    out = write_integer(out, milliseconds_between(start_, entries_[i].time));
    *out++ = ',';
  }
  out = write_text(out - 1, "],\"v\":[");
  for (std::uint32_t i = series.first; i != kNone; i = entries_[i].next) {
    out = write_number(out, entries_[i].value, series.decimals);
    *out++ = ',';
  }
  return write_text(out - 1, "]}");
}

void RowBuilder::write_records(std::string_view extras) {
  // One object per millisecond; a second value of a series in the same millisecond begins another object.
  std::stable_sort(entries_.begin(), entries_.begin() + count_,
                   [](const Entry& a, const Entry& b) { return a.time < b.time; });
  for (const SeriesIndex index : touched_)
    series_[index].last = kNone;  // from here on: number of the last object
  std::string members;
  std::uint32_t object = 0;
  std::int64_t object_ms = 0;
  for (const Entry& entry : std::span(entries_).first(count_)) {
    Series& series = series_[entry.series];
    const std::int64_t ms = milliseconds_between(start_, entry.time);
    if (!members.empty() && (ms != object_ms || series.last == object)) {
      if (object++ == 0) members += extras;
      append_record(text_, milliseconds(object_ms), members);
      members.clear();
    }
    object_ms = ms;
    series.last = object;
    if (!members.empty()) members += ',';
    members += series.key;
    append_number(members, entry.value, series.decimals);
  }
  if (object == 0) members += extras;
  append_record(text_, milliseconds(object_ms), members);
}

void RowBuilder::start_over() {
  for (const SeriesIndex index : touched_) {
    Series& series = series_[index];
    series.first = series.last = kNone;
    series.cost = first_cost(series);
  }
  touched_.clear();
  count_ = 0;
  start_ = BootTime::max();
  bound_bytes_ = kExtrasBytes;
}

}  // namespace outrider
