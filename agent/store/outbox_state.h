// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/gap.h"
#include "agent/store/outbox_data.h"

namespace outrider {

/// What is behind Outbox: what it does to its data, file by file.
struct Outbox::State : OutboxData {
  using OutboxData::OutboxData;

  // outbox_open.cpp
  struct Refusal;
  static Result<std::unique_ptr<State>> make(const OutboxOptions& options);
  static Result<std::unique_ptr<State>> open_in_place(const OutboxOptions& options, SmallFile& epoch_file,
                                                      Refusal& refusal);
  static Result<std::unique_ptr<State>> open_empty(const OutboxOptions& options, SmallFile& epoch_file,
                                                   SetAside& aside, const Error& why);
  Status prepare(FileOwner owner, const LogContents& log);
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
  static Result<bool> end_salvage(const std::string& path, SetAside& aside);
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
  void forget_drafts();
  void written(std::size_t rows);
  void note_outcome(const Status& done);
  void note_side_outcome(const Status& done);
  /// A transaction in which streams change only through `draft`; they change for good when it is committed.
  template <class Body>
  Status transact(Body body) {
    drafts.assign(streams.size(), std::nullopt);
    Status done = database->transact([&]() -> Status {
      if (Status changed = body(); !changed) return changed;
      return save_streams();
    });
    if (done)
      adopt_drafts();
    else
      forget_drafts();
    return done;
  }
  Stream& draft(StreamIndex index);
  StreamIndex stream_count() const { return static_cast<StreamIndex>(streams.size()); }
  const Stream& seen(StreamIndex index) const { return drafts[index] ? *drafts[index] : streams[index]; }

  // outbox_deliver.cpp
  Status check_numbers(const Stream& stream, Sequence first, Sequence damaged, std::vector<Row>& rows,
                       std::size_t before);
  Status settle(StreamIndex index);
  Status settle_rows(Stream& stream, Sequence through);
  Status recount(Stream& stream);
  bool reads_memory() const { return options.memory_window > milliseconds(0) && is_marked_open; }
  struct ReadLimits {
    std::size_t rows = 0;
    std::size_t bytes = 0;
    std::size_t before = 0;  ///< Rows that the caller had already.
  };
  void read_staged(StreamIndex index, Sequence from, const ReadLimits& limit, std::vector<Row>& rows) const;
  void drop_staged(StreamIndex index);
  void recount_staged();
  bool may_hold_back() const;

  // outbox_retention.cpp
  using TooOld = std::function<bool(std::uint32_t boot, BootTime time)>;
  struct Victims;
  Status make_room(std::size_t rows);
  Result<std::int64_t> free_pages();
  void tell_of_eviction();
  void tell_of_room(std::int64_t free);
  /// Since `then`: what comes and goes in less than that is one state, and told once.
  bool is_long_since(BootTime then) const { return last_asked - then >= std::chrono::minutes(1); }
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
  Status bury(StreamIndex index, Sequence seq, std::string_view reason);
  Status bury_damaged(StreamIndex index, Sequence seq);
  static Row gap_row(const Row& first, Sequence through, const Gap& gap);
  Status keep_letter(const Row& row, std::string_view reason, StreamIndex id);
  Status keep_boots_from(std::uint32_t boot);

  Result<Sequence> stage(StagedRow entry);
};

}  // namespace outrider
