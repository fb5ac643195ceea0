// SPDX-License-Identifier: Apache-2.0
#include "agent/store/row_table.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "agent/store/checksum.h"

namespace outrider {
namespace {

constexpr int kSequenceBits = 48;
constexpr Sequence kMaxSequence = (Sequence{1} << kSequenceBits) - 1;

// One commit deletes at most this much of a stream: a large delete is a long stall and a log as large as the database.
constexpr std::uint64_t kMaxRemovedRows = 4096;
constexpr int kSampleBits = 32;

constexpr std::uint64_t kMaxRemovedBytes = 4ULL << 20;

std::uint64_t count_at(const Query& query, int column) {
  return static_cast<std::uint64_t>(query.integer(column));
}

/// All but the payload, from the columns id, span, format, samples, boot, boot_ns.
Row row_at(const Query& query) {
  Row row;
  row.seq = sequence_of_row_id(query.integer(0));
  row.through = row.seq + query.integer(1);
  row.format = static_cast<RowFormat>(query.integer(2));
  set_samples(row, query.integer(3));
  row.boot = static_cast<std::uint32_t>(query.integer(4));
  row.time = BootTime(nanoseconds(query.integer(5)));
  return row;
}

}  // namespace

std::int64_t row_id(StreamIndex stream, Sequence seq) {
  return (std::int64_t{stream} << kSequenceBits) | std::clamp<Sequence>(seq, 0, kMaxSequence);
}

StreamIndex stream_of_row_id(std::int64_t id) { return static_cast<StreamIndex>(id >> kSequenceBits); }
Sequence sequence_of_row_id(std::int64_t id) { return id & kMaxSequence; }

std::int64_t samples_column(const Row& row) {
  return static_cast<std::int64_t>((std::uint64_t{row.lost} << kSampleBits) | row.samples);
}

void set_samples(Row& row, std::int64_t column) {
  row.samples = static_cast<std::uint32_t>(column);
  row.lost = static_cast<std::uint32_t>(column >> kSampleBits);
}

std::uint32_t row_checksum(std::int64_t id, const Row& row) {
  const std::array<std::int64_t, 6> fields = {id,
                                              row.through - row.seq,
                                              static_cast<std::int64_t>(row.format),
                                              samples_column(row),
                                              row.boot,
                                              row.time.time_since_epoch().count()};
  std::array<char, sizeof(fields)> bytes{};
  std::memcpy(bytes.data(), fields.data(), sizeof(fields));
  return checksum(row.payload, checksum({bytes.data(), bytes.size()}));
}

void RowSum::add(const Row& row) {
  ++rows;
  if (row.format != RowFormat::kGap) samples += row.samples;
  bytes += row.payload.size();
}

RowSum& RowSum::operator+=(const RowSum& other) {
  rows += other.rows;
  samples += other.samples;
  bytes += other.bytes;
  return *this;
}

RowSum& RowSum::operator-=(const RowSum& other) {
  ENSURE(covers(other));
  rows -= other.rows;
  samples -= other.samples;
  bytes -= other.bytes;
  return *this;
}

bool RowSum::covers(const RowSum& part) const {
  return rows >= part.rows && samples >= part.samples && bytes >= part.bytes;
}

RowTable::RowTable(Database& database)
    : insert_(database,
              "INSERT INTO row(id, span, format, samples, boot, boot_ns, crc, payload) "
              "VALUES(?, ?, ?, ?, ?, ?, ?, ?)"),
      insert_if_absent_(database,
                        "INSERT OR IGNORE INTO row(id, span, format, samples, boot, boot_ns, crc, payload) "
                        "VALUES(?, ?, ?, ?, ?, ?, ?, ?)"),
      read_(database,
            "SELECT id, span, format, samples, boot, boot_ns, crc, payload FROM row WHERE id BETWEEN ? AND ? "
            "ORDER BY id"),
      last_until_(database, "SELECT id, span FROM row WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1"),
      sum_(database,
           "SELECT count(*), sum(iif(format = 4, 0, samples & 0xFFFFFFFF)), sum(length(payload)) FROM row "
           "WHERE id BETWEEN ? AND ?"),
      first_(database, "SELECT id, boot, boot_ns FROM row WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1"),
      first_with_samples_(database,
                          "SELECT id, boot, boot_ns FROM row WHERE id BETWEEN ? AND ? AND format != 4 "
                          "ORDER BY id LIMIT 1"),
      scan_(database,
            "SELECT id, span, format, samples, boot, boot_ns, length(payload), iif(format = 4, payload, x'') "
            "FROM row WHERE id BETWEEN ? AND ? ORDER BY id"),
      sizes_(database, "SELECT id, length(payload) FROM row WHERE id BETWEEN ? AND ? ORDER BY id"),
      remove_(database, "DELETE FROM row WHERE id BETWEEN ? AND ?") {
  static_assert(static_cast<int>(RowFormat::kGap) == 4, "the statements know the number");
}

Status RowTable::insert(StreamIndex stream, const Row& row) { return insert(insert_, stream, row); }

Status RowTable::insert_if_absent(StreamIndex stream, const Row& row) {
  return insert(insert_if_absent_, stream, row);
}

Status RowTable::insert(Statement& statement, StreamIndex stream, const Row& row) {
  const std::int64_t id = row_id(stream, row.seq);
  return Query(statement, id, row.through - row.seq, static_cast<int>(row.format), samples_column(row),
               row.boot, row.time.time_since_epoch().count(), row_checksum(id, row), Blob{row.payload})
      .run();
}

Result<Sequence> RowTable::read(StreamIndex stream, Sequence from, std::size_t max_bytes,
                                std::size_t max_rows, std::vector<Row>& rows) {
  const std::size_t before = rows.size();
  std::size_t bytes = 0;
  Query query(read_, row_id(stream, from), row_id(stream, kMaxSequence));
  while (rows.size() - before < max_rows) {
    Result<bool> more = query.next();
    if (!more) {
      rows.resize(before);
      return more.error();
    }
    if (!*more) break;
    const std::string_view payload = query.bytes(7);
    bytes += payload.size();
    if (bytes > max_bytes && rows.size() > before) break;

    Row& row = rows.emplace_back(row_at(query));
    row.payload = payload;
    const std::int64_t noted = query.integer(6);
    if (noted == kNoChecksum || noted == std::int64_t{row_checksum(query.integer(0), row)}) continue;
    const Sequence damaged = row.seq;
    rows.pop_back();
    return damaged;
  }
  return Sequence{0};
}

Result<std::optional<Row>> RowTable::at(StreamIndex stream, Sequence seq) {
  Query query(read_, row_id(stream, seq), row_id(stream, seq));
  Result<bool> found = query.next();
  if (!found) return found.error();
  if (!*found) return std::optional<Row>();
  Row row = row_at(query);
  row.payload = query.bytes(7);
  return std::optional(std::move(row));
}

Result<Sequence> RowTable::end_of(StreamIndex stream, Sequence seq) {
  Query query(last_until_, row_id(stream, 0), row_id(stream, seq));
  Result<bool> found = query.next();
  if (!found) return found.error();
  const Sequence through = *found ? sequence_of_row_id(query.integer(0)) + query.integer(1) : 0;
  return through >= seq ? through : 0;
}

Status RowTable::scan(StreamIndex stream, Sequence from,
                      const std::function<bool(const Row& row, std::uint64_t payload_bytes)>& visit) {
  Query query(scan_, row_id(stream, from), row_id(stream, kMaxSequence));
  while (true) {
    Result<bool> more = query.next();
    if (!more) return more.error();
    if (!*more) return ok();
    Row row = row_at(query);
    row.payload = query.bytes(7);
    if (!visit(row, count_at(query, 6))) return ok();
  }
}

Result<RowSum> RowTable::sum(StreamIndex stream, Sequence first, Sequence last) {
  Query query(sum_, row_id(stream, first), row_id(stream, last));
  Result<bool> row = query.next();
  if (!row) return row.error();
  return RowSum{.rows = count_at(query, 0), .samples = count_at(query, 1), .bytes = count_at(query, 2)};
}

Result<std::optional<RowTable::Place>> RowTable::place(Statement& statement, StreamIndex stream,
                                                       Sequence from) {
  Query query(statement, row_id(stream, from), row_id(stream, kMaxSequence));
  Result<bool> row = query.next();
  if (!row) return row.error();
  if (!*row) return std::optional<Place>();
  return std::optional(Place{.seq = sequence_of_row_id(query.integer(0)),
                             .boot = static_cast<std::uint32_t>(query.integer(1)),
                             .time = BootTime(nanoseconds(query.integer(2)))});
}

Result<std::optional<RowTable::Place>> RowTable::first(StreamIndex stream, Sequence from) {
  return place(first_, stream, from);
}

Result<std::optional<RowTable::Place>> RowTable::first_with_samples(StreamIndex stream, Sequence from) {
  return place(first_with_samples_, stream, from);
}

Status RowTable::remove(StreamIndex stream, Sequence first, Sequence last) {
  return Query(remove_, row_id(stream, first), row_id(stream, last)).run();
}

Result<Sequence> RowTable::remove_some(StreamIndex stream, Sequence first, Sequence last) {
  const std::int64_t first_id = row_id(stream, first);
  Result<std::int64_t> last_id = end_of_step(first_id, row_id(stream, last));
  if (!last_id) return last_id.error();
  if (Status removed = Query(remove_, first_id, *last_id).run(); !removed) return removed.error();
  return sequence_of_row_id(*last_id);
}

/// Last id that one commit should delete; `last_id` when everything up to there is little enough.
Result<std::int64_t> RowTable::end_of_step(std::int64_t first_id, std::int64_t last_id) {
  RowSum step;
  Query query(sizes_, first_id, last_id);
  while (true) {
    Result<bool> row = query.next();
    if (!row) return row.error();
    if (!*row) return last_id;
    ++step.rows;
    step.bytes += count_at(query, 1);
    if (step.rows >= kMaxRemovedRows || step.bytes >= kMaxRemovedBytes) return query.integer(0);
  }
}

}  // namespace outrider
