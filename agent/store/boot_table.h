// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/store/boot_records.h"
#include "agent/store/outbox.h"
#include "agent/store/sqlite.h"
#include "agent/store/statement.h"

namespace outrider {

/// Tables `boot` and `clock_offset`, kept in memory and written with the next commit.
///
/// Boots that one run uses form a series; a run that begins with a boot of the newest series goes on with it. Rows enter
/// a stream in order, so series never go back along a stream: what is older than the series of the oldest waiting row
/// can be forgotten without looking at the rows.
class BootTable {
 public:
  explicit BootTable(Database& database);

  Status load();
  /// Key of a boot; made on first sight.
  std::uint32_t key_of(std::string_view boot_id);
  /// "" when there is no such boot.
  std::string id_of(std::uint32_t key) const;
  void note(const OffsetEntry& entry);
  const std::vector<OffsetEntry>& offsets() const { return offsets_; }

  /// Forgets, with the next write, the boots before the series that `oldest_used` is in; 0: all but the newest series.
  void forget_before(std::uint32_t oldest_used);

  bool is_changed() const { return unsaved_boots_ > 0 || forget_below_ > 0 || !changed_.empty(); }
  /// Inside a transaction.
  Status write();
  /// That transaction is committed.
  void written();

 private:
  using Boot = BootRecord;
  void thin_out(std::uint32_t boot);
  Status write_boot(const Boot& boot);
  Status write_offsets(std::uint32_t boot);

  std::vector<Boot> boots_;           ///< By id, and so by series.
  std::vector<OffsetEntry> offsets_;  ///< By boot and time.
  std::uint32_t run_series_ = 0;      ///< Series of the boots of this run; 0 until the first is asked for.
  std::size_t unsaved_boots_ = 0;     ///< That many of the last are not in the file.
  std::uint32_t forget_below_ = 0;    ///< Boots with smaller ids are still in the file.
  std::set<std::uint32_t> changed_;   ///< Boots that differ from the file, or their offsets.

  Database& database_;
  Statement insert_boot_;
  Statement insert_offset_;
  Statement remove_boot_;
  Statement remove_offsets_;
  Statement forget_boots_;
  Statement forget_offsets_;
};

}  // namespace outrider
