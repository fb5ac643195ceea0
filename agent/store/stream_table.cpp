// SPDX-License-Identifier: Apache-2.0
#include "agent/store/stream_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "agent/store/checksum.h"
#include "agent/store/gap.h"

namespace outrider {
namespace {

using Counters = std::array<std::int64_t, 8>;

/// As the columns follow each other from next_seq on.
Counters counters_of(const Stream& stream) {
  const auto number = [](std::uint64_t count) { return static_cast<std::int64_t>(count); };
  return {stream.newest + 1,
          stream.acked,
          stream.sent,
          number(stream.sampled),
          number(stream.delivered),
          number(stream.lost),
          number(stream.waiting.rows),
          number(stream.waiting.bytes)};
}

bool is_as_written(const Query& query) {
  const Counters counters = {query.integer(3), query.integer(4), query.integer(10), query.integer(5),
                             query.integer(6), query.integer(7), query.integer(8),  query.integer(9)};
  const std::int64_t noted = query.integer(11);
  return noted == kNoChecksum ||
         noted == std::int64_t{stream_checksum(static_cast<StreamIndex>(query.integer(0)), query.bytes(1),
                                               static_cast<Channel>(query.integer(2)), counters)};
}

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

std::uint32_t stream_checksum(StreamIndex id, std::string_view vehicle_id, Channel channel,
                              const Counters& counters) {
  std::array<std::int64_t, 10> fields = {id, static_cast<std::int64_t>(channel)};
  std::copy(counters.begin(), counters.end(), fields.begin() + 2);
  std::array<char, sizeof(fields)> bytes{};
  std::memcpy(bytes.data(), fields.data(), sizeof(fields));
  return checksum(vehicle_id, checksum({bytes.data(), bytes.size()}));
}

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
            "waiting_bytes, sent, crc FROM stream ORDER BY id"),
      load_losses_(database, "SELECT cause, samples FROM loss WHERE stream = ?"),
      insert_(database,
              "INSERT INTO stream(next_seq, acked, sampled, delivered, lost, waiting_rows, waiting_bytes, "
              "sent, crc, id, vehicle_id, channel) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      update_(database,
              "UPDATE stream SET next_seq = ?, acked = ?, sampled = ?, delivered = ?, lost = ?, "
              "waiting_rows = ?, waiting_bytes = ?, sent = ?, crc = ? WHERE id = ?"),
      save_loss_(database, "INSERT OR REPLACE INTO loss(stream, cause, samples) VALUES(?, ?, ?)"),
      forget_losses_(database, "DELETE FROM loss") {}

Result<std::vector<StreamTable::Entry>> StreamTable::load() {
  std::vector<Entry> entries;
  Query query(load_);
  while (true) {
    Result<bool> row = query.next();
    if (!row) return row.error();
    if (!*row) return entries;
    if (!is_as_written(query)) {
      database_.note_damage();
      return stop("the counters of stream " + std::to_string(query.integer(0)) +
                  " in the buffer are not what was written");
    }
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
    if (!*row) break;
    stream.losses[std::string(query.bytes(0))] = static_cast<std::uint64_t>(query.integer(1));
  }
  stream.losses_in_file = stream.losses;
  // Their sum is safe: losses from before causes were told apart, or a damaged cause.
  if (total(stream.losses) != stream.lost) stream.losses = {{"unknown", stream.lost}};
  return ok();
}

Status StreamTable::save(const std::string& vehicle_id, Channel channel, const Stream& stream) {
  const Counters counters = counters_of(stream);
  const std::uint32_t crc = stream_checksum(stream.id, vehicle_id, channel, counters);
  const auto [next_seq, acked, sent, sampled, delivered, lost, rows, bytes] = counters;
  Status saved =
      stream.is_in_file
          ? Query(update_, next_seq, acked, sampled, delivered, lost, rows, bytes, sent, crc, stream.id).run()
          : Query(insert_, next_seq, acked, sampled, delivered, lost, rows, bytes, sent, crc, stream.id,
                  std::string_view(vehicle_id), static_cast<int>(channel))
                .run();
  return saved ? save_losses(stream) : saved;
}

Status StreamTable::save_losses(const Stream& stream) {
  for (const auto& [cause, samples] : stream.losses_in_file) {
    if (samples == 0 || stream.losses.contains(cause)) continue;
    if (Status done = Query(save_loss_, stream.id, std::string_view(cause), 0).run(); !done) return done;
  }
  for (const auto& [cause, samples] : stream.losses) {
    const auto known = stream.losses_in_file.find(cause);
    if (known != stream.losses_in_file.end() && known->second == samples) continue;
    if (Status done = Query(save_loss_, stream.id, std::string_view(cause), samples).run(); !done)
      return done;
  }
  return ok();
}

Status begin_numbers(RowTable& rows, Stream& stream) {
  if (stream.acked == 0) return ok();
  if (Status removed = rows.remove(stream.id, 0, stream.acked); !removed) return removed;
  const Result<std::optional<RowTable::Place>> first = rows.first(stream.id, stream.acked + 1);
  if (!first) return first.error();
  if (*first) {
    Gap gap{.until_boot = (*first)->boot, .until = (*first)->time};
    gap.add("earlier_epoch", static_cast<std::uint64_t>(stream.acked), 0);
    const Row row{.seq = 1,
                  .through = stream.acked,
                  .format = RowFormat::kGap,
                  .boot = (*first)->boot,
                  .time = (*first)->time,
                  .payload = gap_payload(gap)};
    if (Status inserted = rows.insert(stream.id, row); !inserted) return inserted;
    stream.waiting.add(row);
  } else {
    stream.newest = 0;
  }
  stream.acked = stream.wanted = stream.sent = 0;
  return ok();
}

Status StreamTable::restart_ledgers(RowTable& rows) {
  Result<std::vector<Entry>> entries = load();
  if (!entries) return entries.error();
  if (Status forgotten = Query(forget_losses_).run(); !forgotten) return forgotten;
  for (Entry& entry : *entries) {
    Stream& stream = entry.stream;
    stream.sampled = stream.waiting.samples;
    stream.delivered = stream.lost = 0;
    stream.losses.clear();
    if (Status begun = begin_numbers(rows, stream); !begun) return begun;
    stream.sent = stream.acked;
    if (Status saved = save(entry.vehicle_id, entry.channel, stream); !saved) return saved;
  }
  return ok();
}

}  // namespace outrider
