// SPDX-License-Identifier: Apache-2.0
#include "agent/store/schema.h"

#include <algorithm>

#include "agent/store/statement.h"

namespace outrider {
namespace {

constexpr std::int64_t kApplicationId = 0x4F545258;  // "OTRX"
constexpr std::int64_t kSchemaVersion = 2;

// Of the least number of pages, and of a larger file a quarter, for everything that is not the payload of one row: the root pages, streams,
// boots, offsets.
constexpr std::int64_t kMinOtherPages = 16;
constexpr std::int64_t kOverflowBytes =
    kPageBytes - 4;  // of payload on a page of its own; 4 link to the next one
constexpr std::int64_t kChunkPages = Database::kChunkBytes / kPageBytes;
// 4 MiB. Measured 2026-11, rows of 300 B to 20 kB, one a commit, kept, drained or 300 behind: logs of 256, 1000 and 4000
// pages write the same bytes within 5 % (with 300 waiting up to 10 %), so the log need not be long; a short one is
// quickly recovered after a power cut.
constexpr std::int64_t kMaxWalPages = 1000;
constexpr std::int64_t kMinWalPages = 16;
// Dead letters are for a person to look at; nobody reads more.
constexpr std::uint64_t kMostLetterBytes = 4ULL << 20U;

// id          stream << 48 | seq: rows of a stream lie side by side in order, and no second index is written.
// span        through - seq: 0 except for a gap record, where a zero would cost nothing either.
// samples     and above 32 bits the lost ones that the row reports: see samples_column.
// crc         of everything else in the row: pages are checked by nobody. -1: written before there was one.
// payload     last, so that the other columns are read without following its overflow pages.
// sent        rows up to here were handed to the broker under this epoch: they may have arrived.
// Counters of `stream` change in the same transaction as rows: sampled = delivered + lost + samples of waiting rows.
// series      boots that may alternate within a stream; they grow along each stream, so a series that is older than that
//             of the oldest waiting row is not referred to.
constexpr const char* kTables = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE row(
  id INTEGER PRIMARY KEY, span INTEGER NOT NULL, format INTEGER NOT NULL, samples INTEGER NOT NULL,
  boot INTEGER NOT NULL, boot_ns INTEGER NOT NULL, crc INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
CREATE TABLE stream(
  id INTEGER PRIMARY KEY, vehicle_id TEXT NOT NULL, channel INTEGER NOT NULL,
  next_seq INTEGER NOT NULL, acked INTEGER NOT NULL, sent INTEGER NOT NULL,
  sampled INTEGER NOT NULL, delivered INTEGER NOT NULL, lost INTEGER NOT NULL,
  waiting_rows INTEGER NOT NULL, waiting_bytes INTEGER NOT NULL, crc INTEGER NOT NULL,
  UNIQUE(vehicle_id, channel)) STRICT;
CREATE TABLE loss(
  stream INTEGER NOT NULL, cause TEXT NOT NULL, samples INTEGER NOT NULL,
  PRIMARY KEY(stream, cause)) STRICT, WITHOUT ROWID;
CREATE TABLE boot(
  id INTEGER PRIMARY KEY, series INTEGER NOT NULL, boot_id TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE clock_offset(
  boot INTEGER NOT NULL, from_ns INTEGER NOT NULL, offset_ns INTEGER NOT NULL, is_synced INTEGER NOT NULL,
  crc INTEGER NOT NULL, PRIMARY KEY(boot, from_ns)) STRICT, WITHOUT ROWID;
CREATE TABLE dead_letter(
  id INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, reason TEXT NOT NULL,
  format INTEGER NOT NULL, samples INTEGER NOT NULL, boot INTEGER NOT NULL, boot_ns INTEGER NOT NULL,
  payload BLOB NOT NULL) STRICT;
)sql";

// Version 1 had no checksums, did not note what was sent, and had no dead letters yet.
constexpr const char* kFromVersion1 = R"sql(
ALTER TABLE row ADD COLUMN crc INTEGER NOT NULL DEFAULT -1;
ALTER TABLE stream ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stream ADD COLUMN crc INTEGER NOT NULL DEFAULT -1;
ALTER TABLE boot ADD COLUMN crc INTEGER NOT NULL DEFAULT -1;
ALTER TABLE clock_offset ADD COLUMN crc INTEGER NOT NULL DEFAULT -1;
UPDATE stream SET sent = acked;
DROP TABLE dead_letter;
CREATE TABLE dead_letter(
  id INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
  reason TEXT NOT NULL, format INTEGER NOT NULL, samples INTEGER NOT NULL, boot INTEGER NOT NULL,
  boot_ns INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
)sql";

// All explicit: distributions build SQLite with defaults of their own (Debian turns secure_delete on). The locking mode
// goes first: whatever reads the file in normal mode makes a -shm file, for which there may be no room.
constexpr const char* kPragmas = R"sql(
PRAGMA locking_mode=EXCLUSIVE;  -- one process
PRAGMA page_size=4096;
PRAGMA auto_vacuum=NONE;        -- free pages are used again; moving others there would wear the flash
PRAGMA cache_size=-1024;        -- KiB
PRAGMA mmap_size=0;             -- an I/O error must be an error code, not SIGBUS
PRAGMA temp_store=MEMORY;
PRAGMA secure_delete=OFF;       -- or every delete writes zeros
PRAGMA trusted_schema=OFF;
PRAGMA cell_size_check=ON;      -- damaged pages are found before they are believed
)sql";

std::string pragma(const char* name, const std::string& value) {
  return std::string("PRAGMA ") + name + "=" + value + ";";
}

Status configure(Database& database, const StoreLimits& limits) {
  Result<std::string> mode = database.text("PRAGMA journal_mode=WAL");
  if (!mode) return mode.error();
  if (*mode != "wal" && !database.path().empty())
    return stop("the buffer " + database.path() + " cannot keep a write-ahead log (journal mode " + *mode +
                "); put buffer.directory on a local file system");
  return database.execute(pragma("synchronous", "FULL") +  // a commit survives a power cut
                          pragma("wal_autocheckpoint", std::to_string(limits.wal_pages)) +
                          pragma("journal_size_limit", std::to_string(limits.wal_pages * kPageBytes)));
}

/// A log that an earlier process left goes into the file before it grows on: if that process saw a sync fail, the system
/// still shows what was written then, and forgets it with the power, and with it everything that was logged behind it;
/// while it goes into the file the log must be what brings back a page that the power tears.
Status move_log(Database& database) {
  Status moved = database.path().empty() ? ok() : database.rewrite_log();
  if (moved) moved = database.checkpoint();
  return moved || moved.error().fault == Fault::kRetry ? ok()
                                                       : moved;  // no room for that: the log goes on as it is
}

Status migrate(Database& database) {
  Result<std::int64_t> version = database.integer("PRAGMA user_version");
  if (!version) return version.error();
  if (*version >= kSchemaVersion) return ok();
  return database.transact([&]() -> Status {
    return database.execute(kFromVersion1 + pragma("user_version", std::to_string(kSchemaVersion)));
  });
}

Status create_tables(Database& database) {
  return database.transact([&]() -> Status {
    return database.execute(kTables + pragma("application_id", std::to_string(kApplicationId)) +
                            pragma("user_version", std::to_string(kSchemaVersion)));
  });
}

}  // namespace

StoreLimits limits_for(std::uint64_t max_bytes) {
  const auto pages = static_cast<std::int64_t>(max_bytes / kPageBytes);
  StoreLimits limits;
  limits.wal_pages = std::clamp(pages / 8, kMinWalPages, kMaxWalPages);
  // Whole chunks, for the file grows by those.
  limits.database_pages = std::max((pages - limits.wal_pages) / kChunkPages * kChunkPages, kMinDatabasePages);
  const std::int64_t other_pages = std::max(limits.database_pages / 4, kMinOtherPages);
  limits.max_row_bytes = static_cast<std::uint64_t>((limits.database_pages - other_pages) * kOverflowBytes);
  limits.letter_bytes =
      std::min(static_cast<std::uint64_t>(limits.database_pages * kPageBytes / 16), kMostLetterBytes);
  return limits;
}

Result<FileOwner> owner_of(Database& database) {
  if (Status set = database.execute(kPragmas); !set) return set.error();
  Result<std::int64_t> tables = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  Result<std::int64_t> application = database.integer("PRAGMA application_id");
  if (!application) return application.error();
  Result<std::int64_t> version = database.integer("PRAGMA user_version");
  if (!version) return version.error();
  if (*tables == 0 && *version == 0 && *application == 0) return FileOwner::kNobody;
  if (*application != kApplicationId) return FileOwner::kStranger;
  return *version > kSchemaVersion ? FileOwner::kNewerVersion : FileOwner::kUs;
}

Status prepare_schema(Database& database, FileOwner owner, const StoreLimits& limits) {
  ENSURE(owner == FileOwner::kNobody || owner == FileOwner::kUs);
  if (Status set = configure(database, limits); !set) return set;
  if (Status moved = move_log(database); !moved) return moved;
  if (Status ready = owner == FileOwner::kNobody ? create_tables(database) : migrate(database); !ready)
    return ready;
  return set_page_limit(database, limits.database_pages);
}

Status set_page_limit(Database& database, std::int64_t pages) {
  return database.execute(pragma("max_page_count", std::to_string(pages)));
}

Result<std::string> read_meta(Database& database, const std::string& key) {
  Statement statement(database, "SELECT value FROM meta WHERE key = ?");
  Query query(statement, std::string_view(key));
  Result<bool> row = query.next();
  if (!row) return row.error();
  return *row ? std::string(query.bytes(0)) : std::string();
}

Status write_meta(Database& database, std::string_view key, std::string_view value) {
  Statement statement(database, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)");
  return Query(statement, key, value).run();
}

}  // namespace outrider
