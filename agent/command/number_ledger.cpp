// SPDX-License-Identifier: Apache-2.0
#include "agent/command/number_ledger.h"

#include <algorithm>
#include <iterator>

namespace outrider {

namespace {

std::uint64_t count_of(NumberRange range) { return static_cast<std::uint64_t>(range.last - range.first) + 1; }

}  // namespace

NumberLedger::Arrival NumberLedger::take(NumberRange range) {
  if (!has_started_) {
    has_started_ = true;
    lowest_ = starts_at_one_ ? 1 : range.first;
    highest_ = lowest_ - 1;
  }
  Arrival arrival;
  if (range.first < lowest_) {  // the stream began earlier than it seemed
    const NumberRange below{range.first, std::min(range.last, lowest_ - 1)};
    arrival.fresh += count_of(below);
    if (below.last + 1 < lowest_) add_hole({below.last + 1, lowest_ - 1});
    lowest_ = range.first;
  }
  arrival.fresh += fill_holes(range);
  arrival.is_out_of_order = arrival.fresh > 0;
  if (range.last > highest_) {
    if (range.first > highest_ + 1) add_hole({highest_ + 1, range.first - 1});
    arrival.fresh += count_of({std::max(range.first, highest_ + 1), range.last});
    highest_ = range.last;
  }
  return arrival;
}

void NumberLedger::add_hole(NumberRange hole) {
  holes_.emplace(hole.first, hole.last);
  missing_ += count_of(hole);
  if (holes_.size() <= kMaxHoles) return;
  holes_.erase(holes_.begin());
  ++forgotten_holes_;
}

std::uint64_t NumberLedger::fill_holes(NumberRange range) {
  std::uint64_t filled = 0;
  auto hole = holes_.upper_bound(range.first);
  if (hole != holes_.begin() && std::prev(hole)->second >= range.first) --hole;
  while (hole != holes_.end() && hole->first <= range.last) {
    const NumberRange old{hole->first, hole->second};
    hole = holes_.erase(hole);
    if (old.first < range.first) holes_.emplace(old.first, range.first - 1);
    if (old.last > range.last) holes_.emplace(range.last + 1, old.last);
    filled += count_of({std::max(old.first, range.first), std::min(old.last, range.last)});
  }
  missing_ -= filled;
  return filled;
}

}  // namespace outrider
