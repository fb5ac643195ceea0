// SPDX-License-Identifier: Apache-2.0
#include "agent/store/stream_table.h"

#include <algorithm>
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
  stream.sent = std::clamp(query.integer(10), stream.acked, std::max(stream.acked, stream.newest));
  stream.is_in_file = true;
  return stream;
}

void add_all(LossCounts& to, const LossCounts& losses) {
  for (const auto& [cause, samples] : losses) count_loss(to, cause, samples, Outbox::kMostStoredCauses);
}

}  // namespace

void StagedSum::add(const Row& row, const LossCounts& more) {
  rows.add(row);
  add_all(losses, more);
}

void Stream::acknowledge(Sequence through, const RowSum& sum) {
  acked = through;
  sent = std::max(sent, acked);
  delivered += sum.samples;
  waiting -= sum;
  is_changed = true;
}

void Stream::fold(const StagedSum& part) {
  newest += static_cast<Sequence>(part.rows.rows);
  sampled += part.rows.samples + total(part.losses);
  lost += total(part.losses);
  add_all(losses, part.losses);
  waiting += part.rows;
  is_changed = true;
}

void Stream::lose(std::string_view cause, std::uint64_t samples) {
  lost += samples;
  count_loss(losses, cause, samples, Outbox::kMostStoredCauses);
  is_changed = true;
}

StreamTable::StreamTable(Database& database)
    : database_(database),
      load_(database,
            "SELECT id, vehicle_id, channel, next_seq, acked, sampled, delivered, lost, waiting_rows, "
            "waiting_bytes, sent FROM stream ORDER BY id"),
      load_losses_(database, "SELECT cause, samples FROM loss WHERE stream = ?"),
      insert_(database,
              "INSERT INTO stream(next_seq, acked, sampled, delivered, lost, waiting_rows, waiting_bytes, "
              "sent, id, vehicle_id, channel) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      update_(database,
              "UPDATE stream SET next_seq = ?, acked = ?, sampled = ?, delivered = ?, lost = ?, "
              "waiting_rows = ?, waiting_bytes = ?, sent = ? WHERE id = ?"),
      save_loss_(database, "INSERT OR REPLACE INTO loss(stream, cause, samples) VALUES(?, ?, ?)") {}

Result<std::vector<StreamTable::Entry>> StreamTable::load() {
  std::vector<Entry> entries;
  Query query(load_);
  while (true) {
    Result<bool> row = query.next();
    if (!row) return row.error();
    if (!*row) return entries;
    Entry& entry = entries.emplace_back(
        Entry{std::string(query.bytes(1)), static_cast<Channel>(query.integer(2)), stream_at(query)});
    if (Status loaded = load_losses(entry.stream); !loaded) return loaded.error();
  }
}

Status StreamTable::load_losses(Stream& stream) {
  Query query(load_losses_, stream.id);
  while (true) {
    Result<bool> row = query.next();
    if (!row) return row.error();
    if (!*row) return ok();
    stream.losses[std::string(query.bytes(0))] = static_cast<std::uint64_t>(query.integer(1));
    stream.losses_in_file = stream.losses;
  }
}

Status StreamTable::save(const std::string& vehicle_id, Channel channel, const Stream& stream) {
  const Sequence next_seq = stream.newest + 1;
  Status saved = stream.is_in_file
                     ? Query(update_, next_seq, stream.acked, stream.sampled, stream.delivered, stream.lost,
                             stream.waiting.rows, stream.waiting.bytes, stream.sent, stream.id)
                           .run()
                     : Query(insert_, next_seq, stream.acked, stream.sampled, stream.delivered, stream.lost,
                             stream.waiting.rows, stream.waiting.bytes, stream.sent, stream.id,
                             std::string_view(vehicle_id), static_cast<int>(channel))
                           .run();
  return saved ? save_losses(stream) : saved;
}

Status StreamTable::save_losses(const Stream& stream) {
  for (const auto& [cause, samples] : stream.losses) {
    const auto known = stream.losses_in_file.find(cause);
    if (known != stream.losses_in_file.end() && known->second == samples) continue;
    if (Status done = Query(save_loss_, stream.id, std::string_view(cause), samples).run(); !done)
      return done;
  }
  return ok();
}

Status StreamTable::restart_ledgers() {
  return database_.execute(
      "UPDATE stream SET sampled = sampled - delivered - lost, delivered = 0, lost = 0, sent = acked; "
      "DELETE FROM loss");
}

}  // namespace outrider
