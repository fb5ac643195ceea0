// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/store/boot_table.h"
#include "agent/store/epoch.h"
#include "agent/store/outbox.h"
#include "agent/store/row_table.h"
#include "agent/store/schema.h"
#include "agent/store/sqlite.h"
#include "agent/store/stream_table.h"

namespace outrider {

/// What is behind Outbox: the tables and, per stream, the counters that make its questions cheap.
struct Outbox::State {
  State(const OutboxOptions& chosen, std::unique_ptr<Database> opened)
      : options(chosen),
        limits(limits_for(chosen.max_bytes)),
        database(std::move(opened)),
        row_table(*database),
        stream_table(*database),
        boot_table(*database) {}

  static constexpr const char* kEpochKey = "epoch";
  static constexpr const char* kCleanKey = "clean";  ///< "0" while a process uses the file.

  Status begin_life(SmallFile& epoch_file);
  Status write_epoch(const EpochDecision& decision);
  Status load();
  Status place(StreamTable::Entry entry, std::uint32_t& oldest_boot);
  StreamIndex activate(StreamTable::Entry entry);

  Status settle(Stream& stream);
  Status recount(Stream& stream);
  Status commit();
  Status commit_when_full(Status failure);
  Status write_acknowledgements();
  Status write_what_fits(Status failure);
  Status write(std::size_t rows);
  Status write_rows(std::size_t rows);
  Status write_counters();
  void written(std::size_t rows);
  void close();

  struct StagedRow {
    StreamIndex stream = 0;
    Row row;
    LossCounts losses;
  };
  static std::uint64_t cost_of(const Row& row) { return sizeof(StagedRow) + row.payload.size(); }

  const OutboxOptions options;
  const StoreLimits limits;
  const std::unique_ptr<Database> database;
  RowTable row_table;
  StreamTable stream_table;
  BootTable boot_table;

  std::string epoch;
  bool was_unclean = false;
  bool is_marked_open = false;  ///< The file says that a process uses it.

  std::vector<StreamName> names;   ///< By index.
  std::vector<Stream> streams;     ///< By index.
  std::vector<Sequence> removals;  ///< By index; what the transaction under way has removed.
  std::vector<StagedSum> parts;    ///< By index; what it takes of the staged rows.
  using Name = std::pair<std::string, Channel>;
  std::map<Name, StreamIndex> indexes;
  std::map<Name, Stream> dormant;  ///< In the file, nothing waits, not asked for in this run.
  std::size_t next_stream_id = 0;

  std::vector<StagedRow> staged;  ///< In order of their numbers.
  std::uint64_t staged_bytes = 0;

  bool is_changed = false;  ///< A commit would write something.
  bool has_failed = false;  ///< The last commit did.
  BootTime last_asked{};    ///< When is_commit_due was last called: commit has no clock of its own.
  std::optional<BootTime> last_commit;
};

}  // namespace outrider
