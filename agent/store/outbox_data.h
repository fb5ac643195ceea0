// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/store/boot_table.h"
#include "agent/store/dead_letter_table.h"
#include "agent/store/epoch.h"
#include "agent/store/outbox.h"
#include "agent/store/row_table.h"
#include "agent/store/salvage_log.h"
#include "agent/store/schema.h"
#include "agent/store/set_aside.h"
#include "agent/store/sqlite.h"
#include "agent/store/stream_table.h"

namespace outrider {

/// What an open outbox knows: the tables and, per stream, the counters that make its questions cheap.
struct OutboxData {
  OutboxData(const OutboxOptions& chosen, std::unique_ptr<Database> opened)
      : options(chosen),
        limits(limits_for(chosen.max_bytes)),
        database(std::move(opened)),
        row_table(*database),
        stream_table(*database),
        boot_table(*database),
        letter_table(*database, limits.letter_bytes) {}

  static constexpr const char* kEpochKey = "epoch";
  static constexpr const char* kCleanKey = "clean";  ///< "0" while a process uses the file.
  static constexpr const char* kLogKey =
      "log_bytes";  ///< The log is never shorter while a process uses the file.
  static constexpr const char* kSalvageKey =
      "salvage";  ///< "running" and "done", until the damaged files have their name.
  /// Boots from this one on are kept while rows wait, whatever the rows in front say.
  static constexpr const char* kOldestBootKey = "oldest_boot";
  /// "1" while rows may be sent before they are written.
  static constexpr const char* kVolatileKey = "volatile";

  struct StagedRow {
    StreamIndex stream = 0;
    Row row;
    LossCounts losses;
    std::int64_t dead_letter = 0;  ///< That it was, else 0.
  };
  static std::uint64_t cost_of(const Row& row) { return sizeof(StagedRow) + row.payload.size(); }

  const OutboxOptions options;
  const StoreLimits limits;
  const std::unique_ptr<Database> database;
  RowTable row_table;
  StreamTable stream_table;
  BootTable boot_table;
  DeadLetterTable letter_table;

  std::string epoch;
  bool was_unclean = false;
  bool may_repeat = false;  ///< Numbers of the file's epoch may be used already, so a new one must begin.
  std::optional<SalvageReport> salvage_report;
  bool is_marked_open = false;  ///< The file says that a process uses it.

  std::vector<Outbox::StreamName> names;      ///< By index.
  std::vector<Stream> streams;                ///< By index.
  std::vector<std::optional<Stream>> drafts;  ///< By index; as the transaction under way leaves them.
  /// By index; the oldest row that may be evicted, valid while the stream's numbers have not passed it.
  std::vector<std::optional<RowTable::Place>> oldest;
  using Name = std::pair<std::string, Channel>;
  std::map<Name, StreamIndex> indexes;
  std::map<Name, Stream> dormant;  ///< In the file, nothing waits, not asked for in this run.
  std::size_t next_stream_id = 0;

  std::vector<StagedRow> staged;  ///< In order of their numbers.
  std::uint64_t staged_bytes = 0;

  StoreHealth health;           ///< Without what is asked for when somebody wants to know.
  bool is_live = false;         ///< See Outbox::set_live.
  bool is_held_back = false;    ///< See Outbox::hold_back.
  bool is_in_use = false;       ///< A commit succeeded, so the file must be there.
  bool is_making_room = false;  ///< Rows went, and the file has not had room to spare for long enough since.
  std::optional<BootTime> had_room_since = {};  ///< Then: since when it has had.
  std::optional<BootTime> gave_up_at =
      {};                       ///< The last row that there was no room for, until it is told that it ended.
  bool may_grow = true;         ///< The disk has room for a longer file.
  std::int64_t page_limit = 0;  ///< That the database has been told.

  BootTime last_asked{};  ///< When is_commit_due was last called: commit has no clock of its own.
  std::optional<BootTime> last_commit;
};

}  // namespace outrider
