// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/loss_counts.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/ports/small_file.h"
#include "agent/store/dead_letter.h"
#include "agent/store/ledger.h"
#include "agent/store/outbox_options.h"
#include "agent/store/row.h"
#include "agent/store/salvage_report.h"
#include "agent/store/store_health.h"

namespace outrider {

/// The only buffer: a row enters with `append` and leaves after the broker acknowledged it.
///
/// Life cycle  open → streams registered → append / commit / read / acknowledge in any order → closed by the destructor,
///             which commits nothing: call `commit` first.
/// Durability  `append` numbers and stages a row in memory; `commit` writes everything staged, all acknowledgements and
///             the ledger in one transaction (WAL, synchronous=FULL). Only committed rows can be read, so no number is
///             ever published twice with different contents; with a memory window the epoch sees to that.
/// Opening     never fails for what is in the file: a damaged one is set aside and salvaged, a stranger's moved away.
///             What is left are storage that cannot be used at all, and a buffer that is in use.
/// Errors      kRetry: could not write now (disk full, I/O error); staged rows stay staged, within max_staged_bytes.
///             kReject: a row that the buffer cannot take; of `open`: another process has the buffer. kStop: the file cannot
///             be used at all; `is_damaged` then says whether opening it anew, with is_known_damaged, would salvage it.
/// Retention   when the file is full, or the disk, the oldest telemetry makes room within `commit`, events last. One gap
///             record takes the place of what went and grows with it. A row that was sent stays until it is acknowledged, so
///             what a gap record reports as lost never arrived (unless a kill came between the sending and the next
///             commit, which notes it).
/// Threads     the loop only. One connection in one process: SQLite before 3.51.3 can corrupt a WAL with two.
class Outbox {
 public:
  static Result<std::unique_ptr<Outbox>> open(const OutboxOptions& options, SmallFile& epoch_file);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// "7-5f3a91c2": identity of one life of the buffer.
  const std::string& epoch() const;
  /// True when the last process did not close the store, so its staged rows (at most one commit interval) are gone.
  bool was_unclean() const;
  /// What became of a buffer that was found damaged by `open`; nullopt when there was none.
  const std::optional<SalvageReport>& salvage_report() const;

  /// Finds or makes the stream; its numbers go on where they stopped. Streams of earlier runs with rows waiting are
  /// registered by `open` already: ask `streams`.
  Result<StreamIndex> stream(std::string_view vehicle_id, Channel channel);
  struct StreamName {
    std::string vehicle_id;
    Channel channel;
  };
  const std::vector<StreamName>& streams() const;

  /// Key of a boot in the table of boots; made on first sight.
  std::uint32_t boot(std::string_view boot_id);
  /// The other way round; "" when there is no such boot.
  std::string boot_id(std::uint32_t boot) const;
  /// Notes how boot time relates to UTC from `entry.from` on. Durable with the next commit. Less than a millisecond of
  /// difference to the entry before is not noted; a boot with very many entries keeps every second one.
  void note_offset(const OffsetEntry& entry);
  /// All entries, ordered by boot and time.
  const std::vector<OffsetEntry>& offsets() const;

  /// Numbers `row` (its seq and through are set here) and stages it. kReject when the memory for staged rows is full,
  /// or the row would not fit even into an empty buffer: it is gone, and the caller reports its samples as lost.
  /// `losses` happened before it, and count with its commit.
  Result<Sequence> append(StreamIndex stream, Row row, const LossCounts& losses = {});
  /// A row that `append` refused for `reason` is given up. The first one is worth a line in the log, and so is a minute
  /// in which there was none.
  void note_given_up(std::string_view reason);

  /// Writes what is staged, cheap when nothing is. When there is not room for all of it: the oldest rows that fit; the
  /// others stay staged. kRetry when not one did.
  Status commit();
  /// True when there is something to write (rows, acknowledgements, deletes) and the commit interval since the last
  /// commit is over, or half of the staging memory is used. After a commit that failed only the interval counts.
  bool is_commit_due(BootTime now) const;

  /// Whether rows that are sent now are acknowledged soon. Only a memory window makes a difference of it.
  void set_live(bool is_live);

  /// Appends committed rows of one stream that are not acknowledged, from number `from` on, in order: as many as fit in
  /// `max_bytes` of payload and `max_rows`, but at least one if there is any. After an error `rows` is what it was.
  Status read(StreamIndex stream, Sequence from, std::size_t max_bytes, std::size_t max_rows,
              std::vector<Row>& rows);

  /// Rows up to `through` were handed to the broker: they may have arrived, whatever happens.
  void note_sent(StreamIndex stream, Sequence through);

  /// While true `read` shows only rows that were handed to the broker before, so that what is on its way can settle.
  void hold_back(bool is_held_back);
  /// Every row that was handed to the broker is acknowledged.
  bool is_settled() const;

  /// The broker has every row up to `through`. Rows go away in bounded steps with later commits.
  void acknowledge(StreamIndex stream, Sequence through);

  /// Lets go of rows at the front of each stream, a bounded number a call, for which `is_too_old` says so.
  Status expire(const std::function<bool(std::uint32_t boot, BootTime time)>& is_too_old);

  /// Moves one committed row that waits to the dead letters, at once and durably; a gap record takes its place. The
  /// oldest dead letters go when there are too many. kReject when there is no such row.
  Status bury(StreamIndex stream, Sequence seq, std::string_view reason);
  /// Dead letters from `first_id` on, in order of burial, at most `max_rows`.
  Result<std::vector<DeadLetter>> dead_letters(std::int64_t first_id, std::size_t max_rows);
  /// Stages the row of a dead letter, as `edit` leaves it, under a new number; with that commit the letter is gone. Its
  /// gap record reported its samples and what it said of losses before it: the samples count again as sampled.
  Result<Sequence> requeue(std::int64_t id, const std::function<void(Row&)>& edit = {});

  Backlog backlog(StreamIndex stream) const;
  Ledger ledger(StreamIndex stream) const;
  /// What `lost` of the ledger consists of; the causes of at most kMostStoredCauses are told apart.
  LossCounts losses(StreamIndex stream) const;
  static constexpr std::size_t kMostStoredCauses = 64;
  /// What only memory knows of a stream: samples of staged rows, and the losses that came with them.
  std::uint64_t staged_samples(StreamIndex stream) const;
  /// Rows staged but not committed, of all streams.
  std::uint64_t staged_rows() const;
  /// Database file plus WAL, in bytes.
  std::uint64_t file_bytes() const;
  StoreHealth health() const;
  /// The file contradicts itself or is gone: nothing will work until it is opened anew.
  bool is_damaged() const;

 private:
  struct State;
  explicit Outbox(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace outrider
