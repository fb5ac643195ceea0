// SPDX-License-Identifier: Apache-2.0
#include "agent/command/message_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <functional>
#include <utility>

namespace outrider {

namespace {

/// Numbers of rows are below this, so that account and number fit one key of the checker.
constexpr std::int64_t kSequenceEnd = std::int64_t{1} << 44;
constexpr double kLongestOffsetMs = 1e12;  // 31 years; also keeps the sum within 64 bits of nanoseconds

/// Reads exactly `digits` decimal digits from the front.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char digit : text.substr(0, digits)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + (digit - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

/// ".5" → 500 ms; nothing there → 0.
std::optional<nanoseconds> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return nanoseconds{0};
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 9) return std::nullopt;
  auto value = static_cast<std::int64_t>(*take_digits(text, digits));
  for (std::size_t place = digits; place < 9; ++place) value *= 10;
  return nanoseconds{value};
}

struct IsoFields {
  std::array<int, 6> values{};  // year, month, day, hour, minute, second
};

std::optional<IsoFields> take_fields(std::string_view& text) {
  struct Field {
    std::size_t digits;
    char separator;  // that stands before it
  };
  constexpr std::array<Field, 6> kFields{{{4, 0}, {2, '-'}, {2, '-'}, {2, 'T'}, {2, ':'}, {2, ':'}}};
  IsoFields read;
  for (std::size_t index = 0; index < kFields.size(); ++index) {
    if (kFields[index].separator != 0 && !take(text, kFields[index].separator)) return std::nullopt;
    const std::optional<int> value = take_digits(text, kFields[index].digits);
    if (!value) return std::nullopt;
    read.values[index] = *value;
  }
  return read;
}

std::uint64_t hash_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

}  // namespace

std::optional<WallTime> parse_iso_time(std::string_view text) {
  const std::optional<IsoFields> fields = take_fields(text);
  if (!fields) return std::nullopt;
  const std::optional<nanoseconds> fraction = take_fraction(text);
  if (!fraction || text != "Z") return std::nullopt;
  const auto& [year, month, day, hour, minute, second] = fields->values;
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // The years that 64 bits of nanoseconds hold, less the edges.
  if (!date.ok() || year < 1678 || year > 2261 || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         seconds{second} + *fraction;
}

const MessageReader::Spelling MessageReader::kSpellings[] = {
    {"t", Name::kTimes},
    {"v", Name::kValues},
    {"seq", Name::kSeq},
    {"part", Name::kPart},
    {"time", Name::kTime},
    {"epoch", Name::kEpoch},
    {"clock", Name::kClock},
    {"vehicle_id", Name::kVehicle},
    {"event_timestamp", Name::kTime},
    {"signals", Name::kSignals},
    {"lost", Name::kLost},
    {"through", Name::kThrough},
    {"lost_rows", Name::kLostRows},
    {"samples", Name::kSamples},
    {"catalogue", Name::kCatalogue},
    {"schema", Name::kSchema},
    {"rows", Name::kRows},
};

MessageReader::Name MessageReader::name_of(std::string_view text) {
  for (const Spelling& spelling : kSpellings)
    if (spelling.text == text) return spelling.name;
  return Name::kOther;
}

MessageReader::Scope MessageReader::scope_of_child(bool is_array) const {
  if (scopes_.empty()) return is_array ? Scope::kRecords : Scope::kMessage;
  const auto when = [](bool holds, Scope child) { return holds ? child : Scope::kIgnored; };
  switch (scope()) {
    case Scope::kMessage:
      return when(is_array && name_ == Name::kRows, Scope::kRows);
    case Scope::kRows:
      return when(!is_array, Scope::kRow);
    case Scope::kRecords:
      return when(!is_array, Scope::kRecord);
    case Scope::kRow:
      if (!is_array && name_ == Name::kSignals) return Scope::kSignals;
      [[fallthrough]];
    case Scope::kRecord:
      if (!is_array && name_ == Name::kLost) return Scope::kLost;
      return when(!is_array && name_ == Name::kLostRows, Scope::kLostRows);
    case Scope::kSignals:
      return when(!is_array, Scope::kSignal);
    case Scope::kSignal:
      if (is_array && name_ == Name::kTimes) return Scope::kTimes;
      return when(is_array && name_ == Name::kValues, Scope::kValues);
    default:
      return Scope::kIgnored;
  }
}

void MessageReader::open(bool is_array) {
  const Scope opened = scope_of_child(is_array);
  scopes_.push_back(opened);
  if (opened == Scope::kRow || opened == Scope::kRecord) begin_row();
  if (opened == Scope::kLostRows) row_.is_gap = true;
  if (opened == Scope::kSignal) signal_times_ = signal_values_ = 0;
  if (opened == Scope::kRecords) is_records_ = true;
  mix(is_array ? '[' : '{');
}

void MessageReader::close() {
  const Scope closed = scope();
  scopes_.pop_back();
  mix('}');
  if (closed == Scope::kSignal && signal_times_ != signal_values_)
    refuse("a signal of row " + std::to_string(row_.seq) + " has not as many times as values");
  if (closed == Scope::kRow) end_row();
  if (closed == Scope::kRecord) end_record();
}

void MessageReader::name(std::string_view text) {
  name_ = name_of(text);
  if (name_ != Name::kTime && name_ != Name::kClock) mix(hash_of(text));
}

void MessageReader::text(std::string_view value) {
  if (scopes_.empty()) return;
  switch (scope()) {
    case Scope::kMessage:
      if (name_ == Name::kSchema) schema_ = value;
      if (name_ == Name::kVehicle) vehicle_id_ = value;
      if (name_ == Name::kEpoch) epoch_ = value;
      return;
    case Scope::kRow:
    case Scope::kRecord:
      return row_text(value);
    case Scope::kValues:
      count_value();
      break;
    default:
      break;
  }
  mix(hash_of(value));
}

void MessageReader::row_text(std::string_view value) {
  switch (name_) {
    case Name::kTime:
      return read_time(value);
    case Name::kClock:
      return;
    case Name::kVehicle:
      row_.vehicle_id = value;
      break;
    case Name::kEpoch:
      row_.epoch = value;
      break;
    default:
      break;
  }
  mix(hash_of(value));
}

void MessageReader::read_time(std::string_view value) {
  row_time_ = parse_iso_time(value);
  if (!row_time_)
    refuse("\"" + std::string(value.substr(0, 40)) + "\" is not a time like 2026-11-22T10:00:00.500Z");
}

void MessageReader::number(double value) { numeric(value, std::nullopt); }

void MessageReader::integer(std::int64_t value) { numeric(static_cast<double>(value), value); }

void MessageReader::numeric(double value, std::optional<std::int64_t> whole) {
  if (scopes_.empty()) return;
  mix(whole ? static_cast<std::uint64_t>(*whole) : std::bit_cast<std::uint64_t>(value));
  switch (scope()) {
    case Scope::kTimes:
      ++signal_times_;
      if (std::abs(value) < kLongestOffsetMs) newest_offset_ms_ = std::max(newest_offset_ms_, value);
      break;
    case Scope::kValues:
      count_value();
      break;
    case Scope::kRow:
    case Scope::kRecord:
      row_number(value, whole);
      break;
    case Scope::kLost:
      row_.lost += static_cast<std::uint64_t>(std::max<std::int64_t>(0, whole.value_or(0)));
      break;
    case Scope::kLostRows:
      if (name_ == Name::kSamples)
        row_.lost += static_cast<std::uint64_t>(std::max<std::int64_t>(0, whole.value_or(0)));
      break;
    default:
      break;
  }
}

void MessageReader::row_number(double value, std::optional<std::int64_t> whole) {
  switch (name_) {
    case Name::kSeq:
    case Name::kThrough:
      if (!whole || *whole < 1 || *whole >= kSequenceEnd)
        return refuse("row number " + std::to_string(value) + " is not a whole number from 1 to 2^44");
      (name_ == Name::kSeq ? row_.seq : row_.through) = *whole;
      return;
    case Name::kPart:
      part_ = whole;
      return;
    default:
      if (scope() == Scope::kRecord) ++row_.samples;
  }
}

void MessageReader::boolean(bool value) {
  mix(value ? 't' : 'f');
  if (scopes_.empty()) return;
  if (scope() == Scope::kValues) count_value();
  if (scope() == Scope::kRecord) ++row_.samples;
}

void MessageReader::null() {
  mix('n');
  if (!scopes_.empty() && scope() == Scope::kValues) count_value();
}

void MessageReader::count_value() {
  ++signal_values_;
  ++row_.samples;
}

void MessageReader::begin_row() {
  row_ = SeenRow{};
  part_.reset();
  row_time_.reset();
  newest_offset_ms_ = 0;
  is_in_row_ = true;
}

void MessageReader::end_row() {
  is_in_row_ = false;
  if (row_.seq == 0) return refuse("a row has no \"seq\"");
  keep_row();
}

void MessageReader::end_record() {
  is_in_row_ = false;
  if (row_.seq == 0 || row_.epoch.empty() || row_.vehicle_id.empty()) {
    is_ours_ = false;
    return;
  }
  SeenRow* last = rows_.empty() ? nullptr : &rows_.back();
  const bool continues = last != nullptr && last->seq == row_.seq && !last->is_gap && !row_.is_gap &&
                         last->epoch == row_.epoch && last->vehicle_id == row_.vehicle_id;
  expect_part(continues);
  if (!continues) return keep_row();
  last->samples += row_.samples;
  last->lost += row_.lost;
  last->content = last->content * 31 + row_.content;
  if (row_time_ && (!last->newest || *last->newest < *row_time_)) last->newest = row_time_;
}

void MessageReader::expect_part(bool continues) {
  if (row_.is_gap) {
    if (part_)
      refuse("gap record " + std::to_string(row_.seq) + " has a \"part\"; only objects of rows have one");
    return;
  }
  if (!continues) parts_ = 0;
  if (part_ != parts_)
    refuse("object " + std::to_string(parts_) + " of row " + std::to_string(row_.seq) + " has " +
           (part_ ? "\"part\" " + std::to_string(*part_) : "no whole \"part\"") + "; parts count from 0");
  ++parts_;
}

void MessageReader::keep_row() {
  if (row_.through == 0) row_.through = row_.seq;
  if (row_.through < row_.seq)
    return refuse("gap record " + std::to_string(row_.seq) + " ends before it begins");
  if (row_.through > row_.seq && !row_.is_gap)
    return refuse("row " + std::to_string(row_.seq) + " has \"through\" but no \"lost_rows\"");
  if (row_.is_gap) row_.samples = 0;
  if (row_time_)
    row_.newest = *row_time_ + std::chrono::duration_cast<nanoseconds>(
                                   std::chrono::duration<double, std::milli>(newest_offset_ms_));
  rows_.push_back(std::move(row_));
}

void MessageReader::mix(std::uint64_t token) {
  if (!is_in_row_) return;
  row_.content =
      (row_.content ^ token) * 0x9E3779B97F4A7C15ULL;  // 2^64 / golden ratio: spreads every bit upwards
  row_.content ^= row_.content >> 29U;
}

void MessageReader::refuse(std::string problem) {
  if (problem_.empty()) problem_ = std::move(problem);
}

SeenMessage MessageReader::finish() {
  SeenMessage seen;
  seen.problem = std::move(problem_);
  const bool is_telemetry = is_records_ ? is_ours_ && !rows_.empty() : schema_ == "outrider/telemetry/1";
  if (is_telemetry)
    seen.kind = SeenMessage::Kind::kTelemetry;
  else if (!is_records_ && schema_ == "outrider/event/1")
    seen.kind = SeenMessage::Kind::kEvents;
  else if (!is_records_ && schema_ == "outrider/status/1")
    seen.kind = SeenMessage::Kind::kStatus;
  else
    return seen;
  if (seen.kind == SeenMessage::Kind::kStatus) return seen;
  if (!is_records_ && (vehicle_id_.empty() || epoch_.empty()) && seen.problem.empty())
    seen.problem = "a message has no \"vehicle_id\" or no \"epoch\"";
  for (SeenRow& row : rows_) {
    if (is_records_) break;
    row.vehicle_id = vehicle_id_;
    row.epoch = epoch_;
  }
  seen.rows = std::move(rows_);
  if (!seen.problem.empty()) seen.kind = SeenMessage::Kind::kBroken;
  return seen;
}

}  // namespace outrider
