// SPDX-License-Identifier: Apache-2.0
#include "agent/store/dead_letter_table.h"

#include <limits>
#include <string>
#include <utility>

#include "agent/base/log.h"

namespace outrider {
namespace {

// Each takes a cell and a gap record besides its payload.
constexpr std::uint64_t kMostLetters = 10'000;

DeadLetter letter_at(const Query& query) {
  DeadLetter letter;
  letter.id = query.integer(0);
  letter.stream = static_cast<StreamIndex>(query.integer(1));
  letter.epoch = query.bytes(2);
  letter.reason = query.bytes(4);
  letter.row.seq = letter.row.through = query.integer(3);
  letter.row.format = static_cast<RowFormat>(query.integer(5));
  letter.row.samples = static_cast<std::uint32_t>(query.integer(6));
  letter.row.boot = static_cast<std::uint32_t>(query.integer(7));
  letter.row.time = BootTime(nanoseconds(query.integer(8)));
  letter.row.payload = query.bytes(9);
  return letter;
}

}  // namespace

DeadLetterTable::DeadLetterTable(Database& database, std::uint64_t max_bytes)
    : max_bytes_(max_bytes),
      count_all_(database, "SELECT count(*), sum(length(payload)) FROM dead_letter"),
      insert_(database,
              "INSERT INTO dead_letter(stream, epoch, seq, reason, format, samples, boot, boot_ns, payload) "
              "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      read_(database,
            "SELECT id, stream, epoch, seq, reason, format, samples, boot, boot_ns, payload FROM dead_letter "
            "WHERE id BETWEEN ? AND ? ORDER BY id"),
      size_(database, "SELECT length(payload) FROM dead_letter WHERE id = ?"),
      oldest_(database, "SELECT id FROM dead_letter ORDER BY id LIMIT 1"),
      oldest_boot_(database, "SELECT min(boot) FROM dead_letter"),
      remove_(database, "DELETE FROM dead_letter WHERE id = ?") {}

Status DeadLetterTable::load() {
  Query query(count_all_);
  Result<bool> row = query.next();
  if (!row) return row.error();
  count_ = saved_ = {.letters = static_cast<std::uint64_t>(query.integer(0)),
                     .bytes = static_cast<std::uint64_t>(query.integer(1))};
  return ok();
}

Status DeadLetterTable::insert(const DeadLetter& letter) {
  const Row& row = letter.row;
  if (row.payload.size() > max_bytes_) {
    log_error("store.letters", "row " + std::to_string(row.seq) +
                                   " is too large to be kept as a dead letter; only its gap record stays");
    return ok();
  }
  if (Status room = make_room(row.payload.size()); !room) return room;
  ++count_.letters;
  count_.bytes += row.payload.size();
  return Query(insert_, letter.stream, std::string_view(letter.epoch), row.seq,
               std::string_view(letter.reason), static_cast<int>(row.format), row.samples, row.boot,
               row.time.time_since_epoch().count(), Blob{row.payload})
      .run();
}

Status DeadLetterTable::make_room(std::uint64_t bytes) {
  while (count_.letters > 0 && (count_.bytes + bytes > max_bytes_ || count_.letters >= kMostLetters)) {
    std::int64_t id = 0;
    {
      Query query(oldest_);
      Result<bool> found = query.next();
      if (!found) return found.error();
      if (!*found) return ok();
      id = query.integer(0);
    }
    if (Status removed = remove(id); !removed) return removed;
    log_warning("store.letters", "the oldest dead letter made room for a new one");
  }
  return ok();
}

Result<std::uint32_t> DeadLetterTable::oldest_boot() {
  Query query(oldest_boot_);
  Result<bool> found = query.next();
  if (!found) return found.error();
  return static_cast<std::uint32_t>(query.integer(0));
}

Status DeadLetterTable::remove(std::int64_t id) {
  std::uint64_t bytes = 0;
  {
    Query query(size_, id);
    Result<bool> found = query.next();
    if (!found) return found.error();
    if (!*found) return ok();
    bytes = static_cast<std::uint64_t>(query.integer(0));
  }
  --count_.letters;
  count_.bytes -= bytes;
  return Query(remove_, id).run();
}

Result<std::optional<DeadLetter>> DeadLetterTable::at(std::int64_t id) {
  Query query(read_, id, id);
  Result<bool> found = query.next();
  if (!found) return found.error();
  return *found ? std::optional(letter_at(query)) : std::nullopt;
}

Result<std::vector<DeadLetter>> DeadLetterTable::read(std::int64_t first_id, std::size_t max_rows) {
  std::vector<DeadLetter> letters;
  Query query(read_, first_id, std::numeric_limits<std::int64_t>::max());
  while (letters.size() < max_rows) {
    Result<bool> more = query.next();
    if (!more) return more.error();
    if (!*more) break;
    letters.push_back(letter_at(query));
  }
  return letters;
}

}  // namespace outrider
