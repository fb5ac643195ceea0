// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"

namespace outrider {

/// What the checker needs to know of one row of a message.
struct SeenRow {
  std::string vehicle_id;  ///< Of the records layout; else the message's.
  std::string epoch;       ///< Likewise.
  std::int64_t seq = 0;
  std::int64_t through = 0;  ///< Above seq or `is_gap`: a gap record.
  bool is_gap = false;
  std::uint64_t samples = 0;
  std::uint64_t lost = 0;     ///< Samples the row or gap record reports as lost.
  std::uint64_t content = 0;  ///< Hash without what a clock sync may correct: time, event_timestamp, clock.
  std::optional<WallTime> newest;  ///< Of the newest sample.
};

/// One message, read.
struct SeenMessage {
  enum class Kind : std::uint8_t {
    kTelemetry,
    kEvents,
    kStatus,
    kOther,   ///< JSON that is not ours.
    kBroken,  ///< Not JSON, or not what our schema promises: `problem` says how.
  };
  Kind kind = Kind::kOther;
  std::vector<SeenRow> rows;
  std::string problem;
};

/// Makes a SeenMessage of JSON tokens, in both layouts, without a document tree: a parser calls `open`, `name`,
/// `close` and the values in the order of the text, then takes the result with `finish`.
///
/// Order  the keys of an object may come in any order.
class MessageReader {
 public:
  void open(bool is_array);
  void close();
  void name(std::string_view text);
  void text(std::string_view value);
  void number(double value);
  void integer(std::int64_t value);
  void boolean(bool value);
  void null();

  /// The text was no JSON: what came before does not count.
  void refuse(std::string problem);
  SeenMessage finish();

 private:
  enum class Scope : std::uint8_t {
    kMessage,
    kRows,
    kRow,
    kSignals,
    kSignal,
    kTimes,
    kValues,
    kLost,
    kLostRows,
    kRecords,
    kRecord,
    kIgnored,
  };
  enum class Name : std::uint8_t {
    kOther,
    kSchema,
    kVehicle,
    kEpoch,
    kRows,
    kSeq,
    kPart,
    kThrough,
    kTime,
    kClock,
    kSignals,
    kLost,
    kLostRows,
    kSamples,
    kTimes,
    kValues,
    kCatalogue,
  };
  struct Spelling {
    std::string_view text;
    Name name;
  };
  static const Spelling kSpellings[];

  static Name name_of(std::string_view text);
  Scope scope_of_child(bool is_array) const;
  Scope scope() const { return scopes_.back(); }
  void begin_row();
  void end_row();
  void end_record();
  void expect_part(bool continues);
  void keep_row();
  void end_signal();
  void mix(std::uint64_t token);
  void count_value();
  void numeric(double value, std::optional<std::int64_t> whole);
  void row_number(double value, std::optional<std::int64_t> whole);
  void row_text(std::string_view value);
  void read_time(std::string_view value);

  std::vector<Scope> scopes_;
  Name name_ = Name::kOther;  // of the value that comes next
  bool is_in_row_ = false;
  bool is_records_ = false;
  bool is_ours_ = true;  // in the records layout: every object had a key
  std::string schema_;
  std::string vehicle_id_;
  std::string epoch_;
  SeenRow row_;
  std::optional<std::int64_t> part_;  // of the object that is read, in the records layout
  std::int64_t parts_ = 0;            // objects of the newest row so far, likewise
  std::optional<WallTime> row_time_;
  double newest_offset_ms_ = 0;
  std::uint64_t signal_times_ = 0;
  std::uint64_t signal_values_ = 0;
  std::vector<SeenRow> rows_;
  std::string problem_;
};

/// "2026-11-22T10:00:00.500Z", with 0 to 9 digits of a second's fraction; nullopt for anything else.
std::optional<WallTime> parse_iso_time(std::string_view text);

}  // namespace outrider
