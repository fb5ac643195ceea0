// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/store/outbox.h"
#include "agent/store/row_table.h"
#include "agent/store/sqlite.h"
#include "agent/store/statement.h"

namespace outrider {

/// Rows of one stream that are numbered, not committed.
struct StagedSum {
  RowSum rows;
  LossCounts losses;  ///< Lost samples that came with them.

  void add(const Row& row, const LossCounts& losses);
  StagedSum& operator-=(const StagedSum& other);
};

/// Where one stream stands. Numbers have no holes: removed ≤ acked ≤ sent, acked ≤ newest, and staged rows follow newest.
/// With a memory window staged rows may be sent as well.
struct Stream {
  StreamIndex id = 0;  ///< In the file; forever.

  // As of the last commit, and acknowledgements since then.
  Sequence newest = 0;   ///< Last number that a committed row stands for.
  Sequence acked = 0;    ///< Rows up to here are acknowledged and no longer in `waiting`.
  Sequence sent = 0;     ///< Rows up to here were handed to the broker in this epoch: never evicted.
  Sequence removed = 0;  ///< No row up to here is in the file any more. Not stored: asked at open.
  RowSum waiting;        ///< sampled = delivered + waiting.samples + lost.
  std::uint64_t sampled = 0;
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;
  LossCounts losses;          ///< What `lost` consists of.
  LossCounts losses_in_file;  ///< The same as of the last commit.

  StagedSum staged;
  Sequence wanted = 0;  ///< Acknowledged, though perhaps not yet counted (acked < wanted after an I/O error).
  bool is_in_file = false;
  bool is_changed = false;

  Sequence next_number() const { return newest + static_cast<Sequence>(staged.rows.rows) + 1; }
  bool has_removable() const { return removed < acked; }
  void acknowledge(Sequence through, const RowSum& sum);
  /// `part`, the first of what is staged, is committed.
  void fold(const StagedSum& part);
  /// Samples that were waiting, or never got a number, are lost.
  void lose(std::string_view cause, std::uint64_t samples);
};

/// Of the columns of a row in the table, in the order in which it is made: id to waiting_bytes.
std::uint32_t stream_checksum(StreamIndex id, std::string_view vehicle_id, Channel channel,
                              const std::array<std::int64_t, 8>& counters);

/// In a new epoch, inside a transaction: a gap record without samples, cause "earlier_epoch", stands for the numbers before
/// the first row that waits, so that each epoch is whole by itself. When nothing waits they begin with 1 again.
Status begin_numbers(RowTable& rows, Stream& stream);

/// Table `stream`: one row per stream, counters included, so that opening reads no rows.
class StreamTable {
 public:
  explicit StreamTable(Database& database);

  struct Entry {
    std::string vehicle_id;
    Channel channel{};
    Stream stream;
  };
  /// kStop when a row is not what was written: what it says decides which numbers are free.
  Result<std::vector<Entry>> load();
  /// Inside a transaction. Does not look at what is staged.
  Status save(const std::string& vehicle_id, Channel channel, const Stream& stream);
  /// For a new epoch, inside a transaction: its ledger begins with what waits.
  Status restart_ledgers(RowTable& rows);

 private:
  Status load_losses(Stream& stream);
  Status save_losses(const Stream& stream);
  Database& database_;
  Statement load_;
  Statement load_losses_;
  Statement insert_;
  Statement update_;
  Statement save_loss_;
  Statement forget_losses_;
};

}  // namespace outrider
