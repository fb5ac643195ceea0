// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/loss_counts.h"
#include "agent/base/sample.h"
#include "agent/config/config.h"
#include "agent/store/outbox.h"

namespace outrider {

/// Collects the samples of one commit interval of one vehicle and encodes them as one row.
///
/// Adding a sample costs a few instructions and, once warm, no allocation; the text is written in one pass by
/// `build`.
/// Shape    see publish/row_text.h for what the payload looks like.
/// Threads  the loop only.
class RowBuilder {
 public:
  /// `max_bytes` bounds what the row takes in a message; it is full before an encoded value could exceed that.
  /// `record_frame_bytes`: what a message adds to each instant in the records layout.
  RowBuilder(Layout layout, std::size_t max_bytes, std::size_t record_frame_bytes);

  /// Makes series `0 .. all.size()-1` known; earlier ones stay as they were.
  void know(const std::vector<SeriesInfo>& all);

  /// False when the sample does not fit any more: build first, then add it again.
  bool add(const Sample& sample) {
    Series& series = series_[sample.series];
    if (bound_bytes_ + series.cost > max_bytes_ && count_ > 0) return false;
    bound_bytes_ += series.cost;
    const std::uint32_t index = count_++;
    if (series.last != kNone)
      entries_[series.last].next = index;
    else
      touch(series, sample.series, index);
    series.last = index;
    if (sample.time < start_) start_ = sample.time;
    entries_[index] = {sample.time, sample.value, sample.series, kNone};
    return true;
  }
  bool is_empty() const { return count_ == 0; }
  /// Time of the first sample added; rows end when a sample is one commit interval later.
  BootTime opened_at() const { return entries_.front().time; }

  /// Encodes what was added and starts over. `catalogue` is named in the row when not empty.
  Row build(const LossCounts& losses, std::string_view catalogue);
  /// A row without samples, that only reports losses.
  Row build_losses(const LossCounts& losses, BootTime time) const;

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  struct Entry {
    BootTime time{};
    double value = 0;
    SeriesIndex series = 0;
    std::uint32_t next = kNone;  // in `entries_`, of the same series; kNone at the end
  };
  struct Series {
    std::string key;  // "\"engine_rpm\":"
    int decimals = 0;
    std::uint32_t first = kNone;  // in `entries_`
    std::uint32_t last = kNone;   // kNone: no sample in this row yet
    std::size_t cost = 0;         // most bytes that the next sample adds to the payload
  };

  void touch(Series& series, SeriesIndex index, std::uint32_t entry);
  char* write_columns(char* out);
  char* write_column(char* out, const Series& series);
  void write_records(std::string_view extras);
  std::size_t first_cost(const Series& series) const;
  void start_over();

  const Layout layout_;
  const std::size_t max_bytes_;
  const std::size_t frame_bytes_;  // of an instant; 0 in columns
  std::vector<Series> series_;
  std::vector<Entry> entries_;  // as many as can ever fit; `count_` are used
  std::uint32_t count_ = 0;
  std::vector<SeriesIndex> touched_;  // in the order of first sample
  BootTime start_ = BootTime::max();  // of the earliest sample
  std::size_t bound_bytes_ = 0;       // the payload cannot become longer than this
  std::string text_;                  // scratch
};

}  // namespace outrider
