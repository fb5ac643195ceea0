// SPDX-License-Identifier: Apache-2.0
#include "agent/store/salvage_evidence.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "agent/store/row_table.h"
#include "agent/store/schema.h"

namespace outrider {
namespace {

constexpr std::size_t kRowColumns = 8;
constexpr std::size_t kStreamColumns = 12;

/// nullopt when one of them is not an integer.
template <std::size_t Count>
std::optional<std::array<std::int64_t, Count>> integers_of(const PageFile::Record& record, std::size_t from) {
  std::array<std::int64_t, Count> integers{};
  for (std::size_t i = 0; i < Count; ++i) {
    const auto* integer = std::get_if<std::int64_t>(&record[from + i]);
    if (integer == nullptr) return std::nullopt;
    integers[i] = *integer;
  }
  return integers;
}

bool is_channel(std::int64_t value) {
  return value == static_cast<int>(Channel::kTelemetry) || value == static_cast<int>(Channel::kEvents);
}

bool is_stream_id(std::int64_t value) { return value >= 0 && value <= INT16_MAX; }

/// A record as a row of table `stream` whose checksum is right.
std::optional<StreamTable::Entry> stream_from(std::int64_t id, const PageFile::Record& record) {
  constexpr std::size_t kCounters = kStreamColumns - 3;  // the checksum included
  if (record.size() != kStreamColumns || !is_stream_id(id)) return std::nullopt;
  const auto* name = std::get_if<std::string_view>(&record[1]);
  const auto channel = integers_of<1>(record, 2);
  const auto counters = integers_of<kCounters>(record, 3);
  if (name == nullptr || !channel || !counters || !is_channel((*channel)[0])) return std::nullopt;
  const auto [next_seq, acked, sent, sampled, delivered, lost, rows, bytes, crc] = *counters;
  StreamTable::Entry entry{std::string(*name), static_cast<Channel>((*channel)[0]), {}};
  Stream& stream = entry.stream;
  stream.id = static_cast<StreamIndex>(id);
  const std::array<std::int64_t, 8> covered = {next_seq, acked, sent, sampled, delivered, lost, rows, bytes};
  if (crc != stream_checksum(stream.id, *name, entry.channel, covered)) return std::nullopt;
  stream.newest = next_seq - 1;
  stream.acked = stream.wanted = acked;
  stream.sent = sent;
  stream.sampled = static_cast<std::uint64_t>(sampled);
  stream.delivered = static_cast<std::uint64_t>(delivered);
  stream.lost = static_cast<std::uint64_t>(lost);
  stream.losses = {{"unknown", stream.lost}};
  stream.waiting.samples = stream.sampled - stream.delivered - stream.lost;
  return entry;
}

/// Names only: they are in the index as well. Nothing vouches for them: a torn page says "" or the same name twice.
void read_names(Database& sql, Evidence& evidence) {
  Statement statement(sql, "SELECT id, vehicle_id, channel FROM stream INDEXED BY sqlite_autoindex_stream_1");
  Query query(statement);
  for (Result<bool> row = query.next(); row && *row; row = query.next()) {
    const std::int64_t id = query.integer(0);
    if (is_stream_id(id) && is_channel(query.integer(2)) && !query.bytes(1).empty())
      evidence.streams[static_cast<StreamIndex>(id)] = {.vehicle_id = std::string(query.bytes(1)),
                                                        .channel = static_cast<Channel>(query.integer(2))};
  }
}

/// A name that only the index gives to a stream belongs to the stream whose counters say so; a name is one stream's.
void forget_false_names(Evidence& evidence) {
  std::set<std::pair<std::string, Channel>> taken;
  for (const bool has_counters : {true, false})
    std::erase_if(evidence.streams, [&](const auto& entry) {
      const Evidence::KnownStream& stream = entry.second;
      return stream.counters.has_value() == has_counters &&
             !taken.emplace(stream.vehicle_id, stream.channel).second;
    });
}

/// True when every stream is there with its counters.
bool read_streams(Database& sql, Evidence& evidence) {
  read_names(sql, evidence);
  const std::size_t named = evidence.streams.size();
  Result<std::vector<StreamTable::Entry>> entries = StreamTable(sql).load();
  if (!entries) return false;
  for (StreamTable::Entry& entry : *entries)
    evidence.streams[entry.stream.id] = {std::move(entry.vehicle_id), entry.channel, std::move(entry.stream)};
  return named == entries->size() && evidence.streams.size() == entries->size();
}

/// Rows that were sent before they were written have numbers that the file does not know.
bool has_told_all(Database& sql) {
  const Result<std::string> is_volatile = read_meta(sql, "volatile");
  const Result<std::string> is_clean = read_meta(sql, "clean");
  return is_volatile && is_clean && (*is_volatile != "1" || *is_clean == "1");
}

/// A state of the stream as some page knows it: the one that is further along counts.
void adopt_if_newer(Evidence& evidence, StreamTable::Entry entry) {
  Evidence::KnownStream& known = evidence.streams[entry.stream.id];
  const auto age = [](const Stream& stream) {
    return std::make_tuple(stream.newest, stream.acked, stream.sampled);
  };
  if (known.counters && age(*known.counters) >= age(entry.stream)) return;
  if (known.counters) entry.stream.losses = known.counters->losses;
  known.vehicle_id = std::move(entry.vehicle_id);
  known.channel = entry.channel;
  known.counters = std::move(entry.stream);
}

}  // namespace

std::optional<std::pair<StreamIndex, Row>> row_from(std::int64_t id, const PageFile::Record& record) {
  // Files of the first schema got the checksum as their last column.
  if (record.size() != kRowColumns || id < 0) return std::nullopt;
  const bool is_payload_last = std::holds_alternative<std::string_view>(record[7]);
  const auto* payload = std::get_if<std::string_view>(&record[is_payload_last ? 7 : 6]);
  const auto* crc = std::get_if<std::int64_t>(&record[is_payload_last ? 6 : 7]);
  const auto fields = integers_of<5>(record, 1);
  if (payload == nullptr || crc == nullptr || !fields) return std::nullopt;
  const auto [span, format, samples, boot, boot_ns] = *fields;
  if (span < 0 || format < static_cast<int>(RowFormat::kColumnsJson) ||
      format > static_cast<int>(RowFormat::kGap))
    return std::nullopt;
  const StreamIndex stream = stream_of_row_id(id);
  Row row{.seq = sequence_of_row_id(id),
          .format = static_cast<RowFormat>(format),
          .boot = static_cast<std::uint32_t>(boot),
          .time = BootTime(nanoseconds(boot_ns)),
          .payload = std::string(*payload)};
  row.through = row.seq + span;
  set_samples(row, samples);
  if (*crc != std::int64_t{row_checksum(id, row)}) return std::nullopt;
  return std::make_pair(stream, std::move(row));
}

namespace {

using Span = std::pair<Sequence, Sequence>;  // first and last number

void note_row(const Row& row, Span& span, Evidence& evidence) {
  span.first = span.first == 0 ? row.seq : std::min(span.first, row.seq);
  span.second = std::max(span.second, row.through);
  evidence.last_boot = std::max(evidence.last_boot, row.boot);
}

}  // namespace

Evidence read_evidence(Database* sql, PageFile& pages) {
  Evidence evidence;
  if (sql != nullptr) {
    if (Result<std::string> epoch = read_meta(*sql, "epoch")) evidence.epoch = *epoch;
    evidence.are_numbers_known = read_streams(*sql, evidence) && has_told_all(*sql) &&
                                 pages.log().state != LogContents::State::kBroken;
  }
  const bool needs_streams = !evidence.are_numbers_known;
  const auto take_stream = [&](std::int64_t id, const PageFile::Record& record) {
    if (!needs_streams || record.size() != kStreamColumns) return;
    if (std::optional<StreamTable::Entry> entry = stream_from(id, record))
      adopt_if_newer(evidence, std::move(*entry));
  };
  std::map<StreamIndex, Span> seen;
  for (std::uint32_t page = 1; page <= pages.pages(); ++page) {
    if (pages.is_free(page)) continue;
    pages.visit_records(page, [&](std::int64_t id, const PageFile::Record& record) {
      take_stream(id, record);
      if (const auto found = row_from(id, record)) note_row(found->second, seen[found->first], evidence);
    });
  }
  forget_false_names(evidence);
  for (auto& [id, stream] : evidence.streams) {
    std::tie(stream.first_seen, stream.last_seen) = seen[id];
    // A page that was never written keeps what it said before, with a checksum that is right.
    if (stream.counters && stream.last_seen > stream.counters->newest) evidence.are_numbers_known = false;
  }
  return evidence;
}

}  // namespace outrider
