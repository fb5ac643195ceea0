// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/store/dead_letter.h"
#include "agent/store/sqlite.h"
#include "agent/store/statement.h"

namespace outrider {

/// Table `dead_letter`, bounded: the oldest letters go when a new one needs their room.
class DeadLetterTable {
 public:
  DeadLetterTable(Database& database, std::uint64_t max_bytes);

  /// Counts what is there.
  Status load();
  /// Inside a transaction; `committed` or `rolled_back` must follow.
  Status insert(const DeadLetter& letter);
  Status remove(std::int64_t id);
  void committed() { saved_ = count_; }
  void rolled_back() { count_ = saved_; }

  Result<std::optional<DeadLetter>> at(std::int64_t id);
  Result<std::vector<DeadLetter>> read(std::int64_t first_id, std::size_t max_rows);
  /// Smallest key of a boot that a letter refers to; 0 when there is no letter.
  Result<std::uint32_t> oldest_boot();
  std::uint64_t size() const { return saved_.letters; }

 private:
  struct Count {
    std::uint64_t letters = 0;
    std::uint64_t bytes = 0;  ///< Of payload.
  };
  Status make_room(std::uint64_t bytes);

  const std::uint64_t max_bytes_;
  Count count_;  ///< With the transaction under way.
  Count saved_;
  Statement count_all_;
  Statement insert_;
  Statement read_;
  Statement size_;
  Statement oldest_;
  Statement oldest_boot_;
  Statement remove_;
};

}  // namespace outrider
