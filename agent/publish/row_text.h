// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/base/time.h"
#include "agent/publish/row_builder.h"
#include "agent/store/gap.h"
#include "agent/store/outbox.h"

namespace outrider {

/// How the payload of a row is stored, and what becomes of it in a message. A row is encoded once, when it is
/// stored; what depends on the wall clock is added when it is published, because the clock may be right only
/// then.
///
/// kColumnsJson  members of the row object behind "clock":  "signals":{…},"lost":{…},"catalogue":"…"
/// kRecordsJson  for each instant: milliseconds after the row's time (4 bytes, signed, little endian), length
///               (4 bytes), members of the flat object behind "clock":  "engine_rpm":1740,"speed":53.2
/// kEventJson    members of the event object behind "clock":  "event":"started","severity":"info",…
/// kGap          what store/gap.h says. Stands for rows seq..through.

/// Appends `,"lost":{…}` and `,"catalogue":"…"`, each only when there is something to say.
void append_row_extras(std::string& out, const LossCounts& losses, std::string_view catalogue);

/// Takes `,"lost":{…}` out of a row that comes a second time: what it reported was reported by the gap record that took
/// its place. A payload that is not as we write it stays as it is.
void drop_reported_losses(Row& row);

/// One instant of a kRecordsJson payload.
void append_record(std::string& payload, milliseconds after_row, std::string_view members);

/// The most that a message adds to each instant of a kRecordsJson row, beside its members. `vehicle_json_bytes`: length
/// of the vehicle id as a JSON string.
std::size_t record_frame_bytes(std::size_t vehicle_json_bytes);

/// Of the message that a row begins: a gap record takes the form of its stream's other rows.
RowFormat message_format(const Row& row, Channel channel, Layout layout);

/// A row's time for people and pipelines.
struct RowTime {
  WallTime time{};
  ClockQuality quality = ClockQuality::kEstimated;
};

/// Builds the payload of one MQTT message from consecutive rows of one stream.
///
/// Shape    kColumnsJson and kEventJson: one object with a "rows" array; kRecordsJson: an array of flat
///          objects with their position in the row as "part". All rows of a message are of one kind; gap records go
///          with any.
class MessageText {
 public:
  MessageText(std::string_view vehicle_id, std::string_view epoch);

  /// Starts a message for rows like this one.
  void begin(RowFormat format);
  bool is_empty() const { return rows_ == 0; }
  /// True when `row` can go into the present message: same kind, and `max_bytes` are not exceeded.
  bool takes(const Row& row, std::size_t max_bytes) const;
  void add(const Row& row, const RowTime& time);
  /// The same for a gap record; its rows were lost between `from` and `until`.
  void add_gap(const Row& row, const Gap& gap, WallTime from, WallTime until);
  /// Ends the message; valid until `begin`.
  std::string_view finish();

  /// Bytes that the row will take at most.
  std::size_t bound(const Row& row) const;

 private:
  void add_object(const Row& row, const RowTime& time);
  void add_records(const Row& row, const RowTime& time);
  void append_time(WallTime time);
  void append_counts(std::uint64_t rows, std::uint64_t samples);
  void append_causes(const Gap& gap);
  void open_record(const Row& row, WallTime time);

  const std::string vehicle_json_;  // with quotes
  const std::string epoch_;
  RowFormat format_ = RowFormat::kColumnsJson;
  std::size_t rows_ = 0;
  std::string text_;
};

}  // namespace outrider
