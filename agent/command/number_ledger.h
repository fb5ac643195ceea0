// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace outrider {

/// Inclusive on both ends; a row that is no gap record is a range of one.
struct NumberRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// Which numbers of one stream and epoch have arrived, in which order, and which are missing between them.
///
/// Shape   numbers are 1..2^48; a range that was overtaken is a hole until something fills it.
/// Bounds  holes_ keeps at most kMaxHoles; the oldest beyond that count as missing for good.
class NumberLedger {
 public:
  static constexpr std::size_t kMaxHoles = 100'000;

  /// `starts_at_one`: numbers before the first that arrives are missing too.
  explicit NumberLedger(bool starts_at_one) : starts_at_one_(starts_at_one) {}

  struct Arrival {
    std::uint64_t fresh = 0;       ///< Numbers of the range that had not arrived before; 0: a repeat.
    bool is_out_of_order = false;  ///< Some of the fresh ones are below the highest that had arrived.
  };
  Arrival take(NumberRange range);

  /// Missing ranges.
  std::uint64_t gaps() const { return holes_.size() + forgotten_holes_; }
  /// Missing numbers.
  std::uint64_t missing() const { return missing_; }
  std::optional<NumberRange> first_gap() const {
    if (holes_.empty()) return std::nullopt;
    return NumberRange{holes_.begin()->first, holes_.begin()->second};
  }

 private:
  void add_hole(NumberRange hole);
  std::uint64_t fill_holes(NumberRange range);

  const bool starts_at_one_;
  bool has_started_ = false;
  std::int64_t lowest_ = 0;                     // where the stream starts
  std::int64_t highest_ = 0;                    // everything in lowest_..highest_ arrived, except the holes
  std::map<std::int64_t, std::int64_t> holes_;  // first → last, disjoint
  std::uint64_t missing_ = 0;
  std::uint64_t forgotten_holes_ = 0;
};

}  // namespace outrider
