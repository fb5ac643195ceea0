// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/row_builder.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "agent/base/json_text.h"
#include "agent/publish/row_text.h"

namespace outrider {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// The longest a value and its time can be in either layout: number, comma, 32-bit time, comma.
constexpr std::size_t kEntryBytes = kNumberBytes + 13;
/// What a series adds once (columns) or with each value (records) beside its name.
constexpr std::size_t kKeyBytes = 24;
/// Room for losses and the catalogue's name, which are few and short.
constexpr std::size_t kExtrasBytes = 1024;

std::int64_t milliseconds_between(BootTime from, BootTime to) {
  return std::chrono::duration_cast<milliseconds>(to - from).count();
}

}  // namespace

std::uint64_t total(const LossCounts& losses) {
  return std::accumulate(losses.begin(), losses.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& loss) { return sum + loss.second; });
}

RowBuilder::RowBuilder(Layout layout, std::size_t max_bytes) : layout_(layout), max_bytes_(max_bytes) {
  bound_bytes_ = kExtrasBytes;
}

void RowBuilder::know(const std::vector<SeriesInfo>& all) {
  for (std::size_t i = series_.size(); i < all.size(); ++i) {
    Series& added = series_.emplace_back();
    append_json_string(added.key, all[i].name);
    added.key += ':';
    added.decimals = all[i].decimals;
  }
}

bool RowBuilder::add(const Sample& sample) {
  Series& series = series_[sample.series];
  const bool needs_key = !series.is_touched || layout_ == Layout::kRecords;
  const std::size_t cost = kEntryBytes + (needs_key ? series.key.size() + kKeyBytes : 0);
  if (bound_bytes_ + cost > max_bytes_ && !entries_.empty()) return false;
  bound_bytes_ += cost;
  const auto index = static_cast<std::uint32_t>(entries_.size());
  entries_.push_back({sample.time, sample.value, sample.series, kNone});
  if (series.is_touched) {
    entries_[series.last].next = index;
  } else {
    series.is_touched = true;
    series.first = index;
    touched_.push_back(sample.series);
  }
  series.last = index;
  return true;
}

Row RowBuilder::build(const LossCounts& losses, std::string_view catalogue) {
  const auto earlier = [](const Entry& a, const Entry& b) { return a.time < b.time; };
  const BootTime start = std::min_element(entries_.begin(), entries_.end(), earlier)->time;
  text_.clear();
  std::string extras;
  append_row_extras(extras, losses, catalogue);
  Row row{.format = layout_ == Layout::kColumns ? RowFormat::kColumnsJson : RowFormat::kRecordsJson,
          .samples = static_cast<std::uint32_t>(entries_.size()),
          .time = start,
          .payload = {}};
  if (layout_ == Layout::kColumns) {
    write_columns(start);
    text_ += extras;
  } else {
    write_records(start);
    if (!extras.empty()) append_record(text_, milliseconds(0), std::string_view(extras).substr(1));
  }
  row.payload = text_;
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

void RowBuilder::write_columns(BootTime start) {
  text_ += "\"signals\":{";
  for (const SeriesIndex index : touched_) {
    write_column(series_[index], start);
    text_ += ',';
  }
  text_.back() = '}';
}

void RowBuilder::write_column(const Series& series, BootTime start) {
  text_ += series.key;
  text_ += "{\"t\":[";
  std::array<char, kNumberBytes + 1>
      number;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before read
  for (std::uint32_t i = series.first; i != kNone; i = entries_[i].next) {
    char* end = write_integer(number.data(), milliseconds_between(start, entries_[i].time));
    *end++ = ',';
    text_.append(number.data(), end);
  }
  text_.back() = ']';
  text_ += ",\"v\":[";
  for (std::uint32_t i = series.first; i != kNone; i = entries_[i].next) {
    char* end = write_number(number.data(), entries_[i].value, series.decimals);
    *end++ = ',';
    text_.append(number.data(), end);
  }
  text_.back() = ']';
  text_ += '}';
}

void RowBuilder::write_records(BootTime start) {
  // One object per millisecond; a second value of a series in the same millisecond begins another object.
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.time < b.time; });
  for (const SeriesIndex index : touched_)
    series_[index].last = kNone;  // from here on: number of the last object
  std::string members;
  std::uint32_t object = 0;
  std::int64_t object_ms = 0;
  for (const Entry& entry : entries_) {
    Series& series = series_[entry.series];
    const std::int64_t ms = milliseconds_between(start, entry.time);
    if (!members.empty() && (ms != object_ms || series.last == object)) {
      append_record(text_, milliseconds(object_ms), members);
      members.clear();
      ++object;
    }
    object_ms = ms;
    series.last = object;
    if (!members.empty()) members += ',';
    members += series.key;
    append_number(members, entry.value, series.decimals);
  }
  append_record(text_, milliseconds(object_ms), members);
}

void RowBuilder::start_over() {
  for (const SeriesIndex index : touched_) series_[index].is_touched = false;
  touched_.clear();
  entries_.clear();
  bound_bytes_ = kExtrasBytes;
}

}  // namespace outrider
