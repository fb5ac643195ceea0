// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/store/dead_letter_table.h"
#include "agent/store/gap.h"
#include "agent/store/page_file.h"
#include "agent/store/row_table.h"
#include "agent/store/salvage_evidence.h"
#include "agent/store/salvage_report.h"
#include "agent/store/schema.h"
#include "agent/store/sqlite.h"
#include "agent/store/stream_table.h"

namespace outrider {

/// Takes what can be read of a damaged buffer into a new, empty one; the damaged files are only read.
///
/// Rows     come from the pages themselves, so that a broken tree hides nothing; their checksums keep out what is not as
///          it was written. They keep their numbers. What was acknowledged is not brought back, nor what lies on free
///          pages, as far as the damaged file says. When it does not, a row may be delivered a second time under the new
///          epoch: that is better than not at all.
/// Holes    between the last acknowledged and the newest number become gap records.
/// Room     when there is not enough, the oldest telemetry stays behind, reported as well.
/// Errors   of the new file. The salvage starts over then, with another new file.
class Salvage {
 public:
  /// The new buffer; borrowed.
  struct Target {
    Database& database;
    RowTable& rows;
    StreamTable& streams;
    DeadLetterTable& letters;
    const StoreLimits& limits;
    std::function<void()> make_room;  ///< Called when the disk is full: frees what is worth less than rows.
  };
  Salvage(const std::string& damaged, std::uint64_t max_record_bytes, const Target& target);
  ~Salvage();
  Salvage(const Salvage&) = delete;
  Salvage& operator=(const Salvage&) = delete;

  /// Of the damaged buffer; "" when it is not known.
  const std::string& epoch() const { return evidence_.epoch; }
  /// Whether numbers go on where they stopped, as nobody can have seen others.
  bool can_go_on() const { return evidence_.are_numbers_known && !evidence_.epoch.empty(); }

  /// Fills the target. In a new epoch the ledgers begin with what waits.
  Status run(bool is_new_epoch, SalvageReport& report);

 private:
  struct Hole;
  Status copy_boots();
  Status insert_letters(const std::vector<DeadLetter>& letters);
  Status copy_letters(SalvageReport& report);
  Status copy_rows();
  Status copy_some_rows(std::uint32_t& page);
  Status copy_page(std::uint32_t page, std::uint64_t& bytes);
  bool is_wanted(StreamIndex stream, const Row& row) const;
  Result<bool> make_room(bool again);
  Result<bool> leave_oldest_behind();
  Result<std::optional<StreamIndex>> stream_with_oldest();
  Status settle(StreamIndex id, bool is_new_epoch, SalvageReport& report);
  Result<std::vector<Hole>> find_holes(StreamIndex id, Sequence first, Stream& stream);
  Status fill(StreamIndex id, std::vector<Hole>& holes, Stream& stream, std::uint64_t missing_samples);

  const Target target_;
  std::unique_ptr<Database> sql_;  ///< The damaged file; null when SQLite cannot open it.
  PageFile pages_;
  Evidence evidence_;
  std::map<StreamIndex, Sequence> left_behind_;  ///< Rows up to here did not fit.
  std::uint32_t newest_boot_ = 0;
  std::uint64_t step_bytes_ = 1ULL << 20U;  ///< Of rows and pages in one transaction.
};

}  // namespace outrider
