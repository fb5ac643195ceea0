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

/// What is behind Outbox: the tables and, per stream, the counters that make its questions cheap.
struct Outbox::State {
  State(const OutboxOptions& chosen, std::unique_ptr<Database> opened)
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
  /// "1" while rows may be sent before they are written.
  static constexpr const char* kVolatileKey = "volatile";

  // outbox_open.cpp
  struct Refusal;
  static Result<std::unique_ptr<State>> make(const OutboxOptions& options);
  static Result<std::unique_ptr<State>> open_in_place(const OutboxOptions& options, SmallFile& epoch_file,
                                                      Refusal& refusal);
  Status prepare(FileOwner owner);
  Status check_log(const LogContents& log);
  Status check_structure();
  Status begin_life(SmallFile& epoch_file);
  Status write_epoch(const EpochDecision& decision);
  Status mark_open();
  Status load();
  Status place(StreamTable::Entry entry, std::uint32_t& oldest_boot);
  StreamIndex activate(StreamTable::Entry entry);
  void close();

  // outbox_salvage.cpp
  enum class Salvaged;
  static Result<bool> clear_the_way(const OutboxOptions& options, SetAside& aside);
  static Result<Salvaged> look_at_salvaged(const std::string& path);
  static Result<std::unique_ptr<State>> open_salvaged(const OutboxOptions& options, SmallFile& epoch_file,
                                                      SetAside& aside, std::string reason);
  Status salvage(SmallFile& epoch_file, SetAside& aside, SalvageReport& report);
  Status forget_salvage();
  void log_salvage() const;

  // outbox_commit.cpp
  Status commit();
  bool has_changes() const;
  Status commit_when_full(Status failure);
  Status write_what_fits(Status failure);
  Status write(std::size_t rows);
  Status remove_acknowledged();
  Status insert_rows(std::size_t rows);
  Status save_streams();
  void adopt_drafts();
  void written(std::size_t rows);
  void note_outcome(const Status& done);
  /// A transaction in which streams change only through `draft`; they change for good when it is committed.
  template <class Body>
  Status transact(Body body) {
    drafts.assign(streams.size(), std::nullopt);
    Status done = database->transact([&]() -> Status {
      if (Status changed = body(); !changed) return changed;
      return save_streams();
    });
    if (done) adopt_drafts();
    return done;
  }
  Stream& draft(StreamIndex index);
  const Stream& seen(StreamIndex index) const { return drafts[index] ? *drafts[index] : streams[index]; }

  // outbox_deliver.cpp
  Status check_numbers(const Stream& stream, Sequence first, Sequence damaged, std::vector<Row>& rows,
                       std::size_t before);
  Status settle(StreamIndex index);
  Status settle_rows(Stream& stream, Sequence through);
  Status recount(Stream& stream);
  bool reads_memory() const { return options.memory_window > milliseconds(0) && is_marked_open; }
  void read_staged(StreamIndex index, Sequence from, std::size_t max_bytes, std::vector<Row>& rows) const;
  void drop_staged(StreamIndex index);
  void recount_staged();
  bool may_hold_back() const;

  // outbox_retention.cpp
  using TooOld = std::function<bool(std::uint32_t boot, BootTime time)>;
  struct Victims;
  Status make_room(std::size_t rows);
  Result<std::int64_t> free_pages();
  void tell_of_eviction();
  Status hold_page_limit();
  void look_at_disk();
  Result<bool> evict_oldest(std::uint64_t bytes, std::string_view cause);
  Result<std::optional<StreamIndex>> stream_with_oldest(Channel channel);
  Result<std::optional<RowTable::Place>> oldest_evictable(StreamIndex index);
  Result<Victims> choose(const Stream& stream, std::uint64_t bytes, std::string_view cause,
                         const TooOld* only);
  Result<bool> evict(StreamIndex index, std::uint64_t bytes, std::string_view cause, const TooOld* only);
  Status replace_by_gap(StreamIndex index, const Row& gap, const RowSum& gone);

  // outbox_letters.cpp
  Result<StreamIndex> index_of(StreamIndex id);
  Status bury(StreamIndex index, Sequence seq, std::string_view reason, std::string_view cause);

  struct StagedRow {
    StreamIndex stream = 0;
    Row row;
    LossCounts losses;
    std::int64_t dead_letter = 0;  ///< That it was, else 0.
  };
  static std::uint64_t cost_of(const Row& row) { return sizeof(StagedRow) + row.payload.size(); }
  Result<Sequence> stage(StagedRow entry);

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

  std::vector<StreamName> names;              ///< By index.
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
  bool is_in_use = false;       ///< A commit succeeded, so the file must be there.
  bool is_making_room = false;  ///< Rows went since the file last had room to spare.
  bool may_grow = true;         ///< The disk has room for a longer file.
  std::int64_t page_limit = 0;  ///< That the database has been told.

  BootTime last_asked{};  ///< When is_commit_due was last called: commit has no clock of its own.
  std::optional<BootTime> last_commit;
};

}  // namespace outrider
