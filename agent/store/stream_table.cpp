// SPDX-License-Identifier: Apache-2.0
#include "agent/store/stream_table.h"

#include <string_view>
#include <utility>

namespace outrider {
namespace {

Stream stream_at(const Query& query) {
  const auto count = [&query](int column) { return static_cast<std::uint64_t>(query.integer(column)); };
  Stream stream;
  stream.id = static_cast<StreamIndex>(query.integer(0));
  stream.newest = query.integer(3) - 1;
  stream.acked = stream.wanted = query.integer(4);
  stream.sampled = count(5);
  stream.delivered = count(6);
  stream.lost = count(7);
  stream.waiting = {
      .rows = count(8), .samples = stream.sampled - stream.delivered - stream.lost, .bytes = count(9)};
  stream.is_in_file = true;
  return stream;
}

}  // namespace

void StagedSum::add(const Row& row, const LossCounts& losses) {
  rows.add(row);
  lost += total(losses);
}

StagedSum& StagedSum::operator-=(const StagedSum& other) {
  ENSURE(lost >= other.lost);
  rows -= other.rows;
  lost -= other.lost;
  return *this;
}

void Stream::acknowledge(Sequence through, const RowSum& sum) {
  acked = through;
  delivered += sum.samples;
  waiting -= sum;
  is_changed = true;
}

Stream Stream::folded(const StagedSum& part) const {
  Stream next = *this;
  next.newest += static_cast<Sequence>(part.rows.rows);
  next.sampled += part.rows.samples + part.lost;
  next.lost += part.lost;
  next.waiting += part.rows;
  next.staged -= part;
  return next;
}

StreamTable::StreamTable(Database& database)
    : database_(database),
      load_(database,
            "SELECT id, vehicle_id, channel, next_seq, acked, sampled, delivered, lost, waiting_rows, "
            "waiting_bytes "
            "FROM stream ORDER BY id"),
      insert_(
          database,
          "INSERT INTO stream(next_seq, acked, sampled, delivered, lost, waiting_rows, waiting_bytes, id, "
          "vehicle_id, channel) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      update_(database,
              "UPDATE stream SET next_seq = ?, acked = ?, sampled = ?, delivered = ?, lost = ?, waiting_rows "
              "= ?, "
              "waiting_bytes = ? WHERE id = ?") {}

Result<std::vector<StreamTable::Entry>> StreamTable::load() {
  std::vector<Entry> entries;
  Query query(load_);
  while (true) {
    Result<bool> row = query.next();
    if (!row) return row.error();
    if (!*row) return entries;
    entries.push_back(
        {std::string(query.bytes(1)), static_cast<Channel>(query.integer(2)), stream_at(query)});
  }
}

Status StreamTable::save(const std::string& vehicle_id, Channel channel, const Stream& stream) {
  const Sequence next_seq = stream.newest + 1;
  if (stream.is_in_file)
    return Query(update_, next_seq, stream.acked, stream.sampled, stream.delivered, stream.lost,
                 stream.waiting.rows, stream.waiting.bytes, stream.id)
        .run();
  return Query(insert_, next_seq, stream.acked, stream.sampled, stream.delivered, stream.lost,
               stream.waiting.rows, stream.waiting.bytes, stream.id, std::string_view(vehicle_id),
               static_cast<int>(channel))
      .run();
}

Status StreamTable::restart_ledgers() {
  return database_.execute(
      "UPDATE stream SET sampled = sampled - delivered - lost, delivered = 0, lost = 0; DELETE FROM loss");
}

}  // namespace outrider
