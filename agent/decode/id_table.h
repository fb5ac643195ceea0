// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace outrider {

/// From 29-bit numbers to small indices: open addressing with linear probing, never more than half full.
class IdTable {
 public:
  /// Room for `most` entries; more may not be inserted.
  explicit IdTable(std::size_t most = 0)
      : cells_(std::bit_ceil(most * 2 + 2)),
        shift_(32 - std::countr_zero(static_cast<std::uint32_t>(cells_.size()))) {}

  /// The index stored for `id`; -1 when there is none.
  std::int32_t find(std::uint32_t id) const {
    for (std::size_t at = home(id);; at = next(at)) {
      const Cell& cell = cells_[at];
      if (cell.index < 0 || cell.id == id) return cell.index;
    }
  }

  /// Keeps `index` for an `id` that is not there yet.
  void insert(std::uint32_t id, std::int32_t index) {
    std::size_t at = home(id);
    while (cells_[at].index >= 0) at = next(at);
    cells_[at] = {id, index};
  }

 private:
  struct Cell {
    std::uint32_t id = 0;
    std::int32_t index = -1;  // -1: free
  };

  // Fibonacci hashing: the high bits of a product with 2^32 / golden ratio; ids differ mostly in a few middle bits.
  std::size_t home(std::uint32_t id) const { return (id * std::uint32_t{0x9E3779B1}) >> shift_; }
  std::size_t next(std::size_t at) const { return (at + 1) & (cells_.size() - 1); }

  std::vector<Cell> cells_;
  int shift_;
};

}  // namespace outrider
