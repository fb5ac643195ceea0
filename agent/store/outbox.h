// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/ports/small_file.h"

namespace outrider {

using Sequence = std::int64_t;      ///< 1, 2, 3… per stream and epoch; 0 is "none yet".
using StreamIndex = std::uint16_t;  ///< Dense, 0.., valid while the outbox is open.

enum class Channel : std::uint8_t { kTelemetry = 0, kEvents = 1 };
const char* name_of(Channel channel);

/// How the bytes of a row are to be read; see publish/row_text.h. Stored, so never renumber.
enum class RowFormat : std::uint8_t {
  kColumnsJson = 1,
  kRecordsJson = 2,
  kEventJson = 3,
  kGap = 4,  ///< Stands for rows `seq`..`through` that will never come.
};

/// One numbered batch of samples, one event, or one gap record. The unit of durability.
struct Row {
  Sequence seq = 0;
  Sequence through = 0;  ///< Equal to seq, except for a gap record.
  RowFormat format = RowFormat::kColumnsJson;
  std::uint32_t samples = 0;
  std::uint32_t boot = 0;  ///< Key in the table of boots.
  BootTime time{};         ///< Of the earliest sample.
  std::string payload =
      {};  ///< Encoded once, here; what depends on the wall clock is added when it is published.
};

struct OutboxOptions {
  std::string path;  ///< Database file; "" is a private temporary database (tests).
  std::uint64_t max_bytes = 256ULL << 20;
  milliseconds commit_interval{500};
  std::uint64_t max_staged_bytes = 1ULL << 20;
  std::uint64_t random = 0;  ///< Goes into a new epoch's name.
};

/// What waits in one stream.
struct Backlog {
  Sequence oldest = 0;     ///< Oldest committed row that is not acknowledged; 0 when none waits.
  Sequence newest = 0;     ///< Newest committed row ever; 0 when there never was one.
  std::uint64_t rows = 0;  ///< Committed rows that wait.
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;  ///< Of payload.
};

/// The arithmetic of one stream since its epoch began: sampled = delivered + waiting + lost.
struct Ledger {
  /// Samples the selection wanted, including those lost before they had a number.
  std::uint64_t sampled = 0;
  std::uint64_t delivered = 0;  ///< Acknowledged by the broker.
  std::uint64_t waiting = 0;    ///< Stored and staged.
  /// Reported in rows ("lost", gap records): samples, or frames where no sample was decoded yet.
  std::uint64_t lost = 0;
};

/// Wall time of stored boot times: per boot, from which boot time on which offset holds.
struct OffsetEntry {
  std::uint32_t boot = 0;
  BootTime from{};
  nanoseconds offset{};
  bool is_synced = false;
};

/// The only buffer: a row enters with `append` and leaves after the broker acknowledged it.
///
/// Life cycle  open → streams registered → append / commit / read / acknowledge in any order → closed by the destructor,
///             which commits nothing: call `commit` first.
/// Durability  `append` numbers and stages a row in memory; `commit` writes everything staged, all acknowledgements and
///             the ledger in one transaction (WAL, synchronous=FULL). Only committed rows can be read, so no number is
///             ever published twice with different contents.
/// Errors      kRetry: could not write now (disk full, I/O error, busy); staged rows stay staged, within
///             max_staged_bytes. kReject: a row that the buffer cannot take. kStop: the file cannot be used at all.
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
  /// Notes how boot time relates to UTC from `entry.from` on. Durable with the next commit. Less than a millisecond of
  /// difference to the entry before is not noted; a boot with very many entries keeps every second one.
  void note_offset(const OffsetEntry& entry);
  /// All entries, ordered by boot and time.
  const std::vector<OffsetEntry>& offsets() const;

  /// Numbers `row` (its seq and through are set here) and stages it. kReject when the memory for staged rows is full,
  /// or the row would not fit even into an empty buffer: it is gone, and the caller reports its samples as lost.
  Result<Sequence> append(StreamIndex stream, Row row, std::uint64_t lost_samples = 0);

  /// Writes what is staged, cheap when nothing is. When there is not room for all of it: the oldest rows that fit; the
  /// others stay staged. kRetry when not one did.
  Status commit();
  /// True when there is something to write (rows, acknowledgements, deletes) and the commit interval since the last
  /// commit is over, or half of the staging memory is used. After a commit that failed only the interval counts.
  bool is_commit_due(BootTime now) const;

  /// Appends committed rows of one stream that are not acknowledged, from number `from` on, in order: as many as fit in
  /// `max_bytes` of payload and `max_rows`, but at least one if there is any. After an error `rows` is what it was.
  Status read(StreamIndex stream, Sequence from, std::size_t max_bytes, std::size_t max_rows,
              std::vector<Row>& rows);

  /// The broker has every row up to `through`. Rows go away in bounded steps with later commits.
  void acknowledge(StreamIndex stream, Sequence through);

  Backlog backlog(StreamIndex stream) const;
  Ledger ledger(StreamIndex stream) const;
  /// Rows staged but not committed, of all streams.
  std::uint64_t staged_rows() const;
  /// Database file plus WAL, in bytes.
  std::uint64_t file_bytes() const;

 private:
  struct State;
  explicit Outbox(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace outrider
