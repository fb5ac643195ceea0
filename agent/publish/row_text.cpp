// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/row_text.h"

#include "agent/base/json_text.h"
#include "agent/base/raw_bytes.h"

namespace outrider {
namespace {

constexpr std::size_t kRecordHeadBytes = 8;
/// {"vehicle_id":,"event_timestamp":"…","epoch":"…","seq":,"part":,"clock":"corrected",},
constexpr std::size_t kRecordFrameBytes = 160;
/// Of an epoch: two numbers and a dash.
constexpr std::size_t kEpochBytes = 32;
/// {"seq":,"through":,"lost_rows":{"cause":"…","rows":,"samples":,"from":"…","to":"…","causes":{}}},
constexpr std::size_t kGapFrameBytes = 260;
/// "…":{"rows":,"samples":},  and a cause in which every byte needs an escape.
constexpr std::size_t kGapPartBytes = 70;
constexpr std::size_t kLongestEscape = 6;
constexpr std::size_t kObjectFrameBytes = 100;

/// Where the JSON value that begins at `at` ends; npos when it does not.
std::size_t end_of_value(std::string_view json, std::size_t at) {
  int depth = 0;
  bool is_text = false;
  for (; at < json.size(); ++at) {
    const char c = json[at];
    if (is_text) {
      if (c == '\\') ++at;
      is_text = c != '"';
    } else if (c == '"') {
      is_text = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return at + 1;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return depth == 0 && !is_text ? at : std::string_view::npos;
}

/// `members` of a JSON object, without "lost" if that is an object: a signal of that name is none.
std::string without_losses(std::string_view members) {
  constexpr std::string_view kLost = "\"lost\":{";
  for (std::size_t at = 0; at < members.size();) {
    const std::size_t end = end_of_value(members, at);
    if (end == std::string_view::npos) break;
    if (members.substr(at).starts_with(kLost)) {
      std::string kept(members.substr(0, at == 0 ? 0 : at - 1));
      std::string_view rest = members.substr(end);
      if (kept.empty() && rest.starts_with(',')) rest.remove_prefix(1);
      return kept.append(rest);
    }
    at = end + 1;
  }
  return std::string(members);
}

}  // namespace

void drop_reported_losses(Row& row) {
  row.lost = 0;
  if (row.format == RowFormat::kColumnsJson) row.payload = without_losses(row.payload);
  if (row.format != RowFormat::kRecordsJson) return;
  std::string payload;
  for (std::string_view left = row.payload; left.size() >= kRecordHeadBytes;) {
    const milliseconds after_row(take_raw<std::int32_t>(left));
    const std::size_t bytes = std::min<std::size_t>(take_raw<std::uint32_t>(left), left.size());
    append_record(payload, after_row, without_losses(left.substr(0, bytes)));
    left.remove_prefix(bytes);
  }
  row.payload = std::move(payload);
}

std::size_t record_frame_bytes(std::size_t vehicle_json_bytes) {
  return kRecordFrameBytes + kEpochBytes + vehicle_json_bytes;
}

RowFormat message_format(const Row& row, Channel channel, Layout layout) {
  if (row.format != RowFormat::kGap) return row.format;
  if (channel == Channel::kEvents) return RowFormat::kEventJson;
  return layout == Layout::kRecords ? RowFormat::kRecordsJson : RowFormat::kColumnsJson;
}

void append_row_extras(std::string& out, const LossCounts& losses, std::string_view catalogue) {
  if (!losses.empty()) {
    out += ",\"lost\":{";
    for (const auto& [cause, count] : losses) {
      append_json_string(out, cause);
      out += ':';
      append_integer(out, static_cast<std::int64_t>(count));
      out += ',';
    }
    out.back() = '}';
  }
  if (!catalogue.empty()) {
    out += ",\"catalogue\":";
    append_json_string(out, catalogue);
  }
}

void append_record(std::string& payload, milliseconds after_row, std::string_view members) {
  append_raw(payload, static_cast<std::int32_t>(after_row.count()));
  append_raw(payload, static_cast<std::uint32_t>(members.size()));
  payload += members;
}

MessageText::MessageText(std::string_view vehicle_id, std::string_view epoch)
    : vehicle_json_([&] {
        std::string json;
        append_json_string(json, vehicle_id);
        return json;
      }()),
      epoch_(epoch) {}

void MessageText::begin(RowFormat format) {
  format_ = format;
  rows_ = 0;
  text_.clear();
  if (format == RowFormat::kRecordsJson) {
    text_ += '[';
    return;
  }
  text_ += format == RowFormat::kEventJson ? R"({"schema":"outrider/event/1","vehicle_id":)"
                                           : R"({"schema":"outrider/telemetry/1","vehicle_id":)";
  text_ += vehicle_json_;
  text_ += ",\"epoch\":\"";
  text_ += epoch_;
  text_ += "\",\"rows\":[";
}

std::size_t MessageText::bound(const Row& row) const {
  if (row.format == RowFormat::kGap)
    return kGapFrameBytes + vehicle_json_.size() + epoch_.size() + kMostGapCauses * kGapPartBytes +
           kLongestEscape * row.payload.size();
  if (row.format != RowFormat::kRecordsJson) return kObjectFrameBytes + row.payload.size();
  std::size_t bytes = row.payload.size();
  std::string_view rest = row.payload;
  while (rest.size() >= kRecordHeadBytes) {
    (void)take_raw<std::int32_t>(rest);
    const auto length = take_raw<std::uint32_t>(rest);
    rest.remove_prefix(std::min<std::size_t>(length, rest.size()));
    bytes += record_frame_bytes(vehicle_json_.size());
  }
  return bytes;
}

bool MessageText::takes(const Row& row, std::size_t max_bytes) const {
  if (row.format != format_ && row.format != RowFormat::kGap) return false;
  return is_empty() || text_.size() + bound(row) + 2 <= max_bytes;
}

void MessageText::add(const Row& row, const RowTime& time) {
  ENSURE(row.format != RowFormat::kGap);
  if (row.format == RowFormat::kRecordsJson)
    add_records(row, time);
  else
    add_object(row, time);
  ++rows_;
}

std::string_view MessageText::finish() {
  if (text_.back() == ',') text_.pop_back();
  text_ += format_ == RowFormat::kRecordsJson ? "]" : "]}";
  return text_;
}

void MessageText::append_time(WallTime time) {
  char iso[kIsoTimeBytes];  // NOLINT(modernize-avoid-c-arrays)
  text_ += '"';
  text_.append(iso, write_iso_time(iso, time));
  text_ += '"';
}

void MessageText::add_object(const Row& row, const RowTime& time) {
  text_ += "{\"seq\":";
  append_integer(text_, row.seq);
  text_ += ",\"time\":";
  append_time(time.time);
  text_ += ",\"clock\":\"";
  text_ += name_of(time.quality);
  text_ += "\",";
  text_ += row.payload;
  text_ += "},";
}

void MessageText::open_record(const Row& row, WallTime time) {
  text_ += "{\"vehicle_id\":";
  text_ += vehicle_json_;
  text_ += ",\"event_timestamp\":";
  append_time(time);
  text_ += ",\"epoch\":\"";
  text_ += epoch_;
  text_ += "\",\"seq\":";
  append_integer(text_, row.seq);
}

void MessageText::add_records(const Row& row, const RowTime& time) {
  std::int64_t part = 0;
  std::string_view rest = row.payload;
  while (rest.size() >= kRecordHeadBytes) {
    const auto after_ms = take_raw<std::int32_t>(rest);
    const auto stored_length = take_raw<std::uint32_t>(rest);
    const std::size_t length = std::min<std::size_t>(stored_length, rest.size());
    open_record(row, time.time + milliseconds(after_ms));
    text_ += ",\"part\":";
    append_integer(text_, part++);
    text_ += ",\"clock\":\"";
    text_ += name_of(time.quality);
    text_ += '"';
    if (length > 0) {
      text_ += ',';
      text_ += rest.substr(0, length);
    }
    text_ += "},";
    rest.remove_prefix(length);
  }
}

void MessageText::add_gap(const Row& row, const Gap& gap, WallTime from, WallTime until) {
  if (format_ == RowFormat::kRecordsJson) {
    open_record(row, from);
  } else {
    text_ += "{\"seq\":";
    append_integer(text_, row.seq);
  }
  text_ += ",\"through\":";
  append_integer(text_, row.through);
  text_ += ",\"lost_rows\":{\"cause\":";
  append_json_string(text_, gap.parts.size() == 1 ? gap.parts.front().cause : "several");
  text_ += ',';
  append_counts(gap.rows(), gap.samples());
  text_ += ",\"from\":";
  append_time(from);
  text_ += ",\"to\":";
  append_time(until);
  if (gap.parts.size() > 1) append_causes(gap);
  text_ += "}},";
  ++rows_;
}

void MessageText::append_counts(std::uint64_t rows, std::uint64_t samples) {
  text_ += "\"rows\":";
  append_integer(text_, static_cast<std::int64_t>(rows));
  text_ += ",\"samples\":";
  append_integer(text_, static_cast<std::int64_t>(samples));
}

void MessageText::append_causes(const Gap& gap) {
  text_ += ",\"causes\":{";
  for (const Gap::Part& part : gap.parts) {
    append_json_string(text_, part.cause);
    text_ += ":{";
    append_counts(part.rows, part.samples);
    text_ += "},";
  }
  text_.back() = '}';
}

}  // namespace outrider
