// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/store/row.h"

namespace outrider {

/// What a consumer has of one stream.
struct Consumed {
  std::set<Sequence> rows;
  std::set<Sequence> lost;  ///< Covered by gap records.
  std::uint64_t repeats = 0;
  std::uint64_t overtaken = 0;  ///< New to the consumer, though a later row came before.

  void take(const nlohmann::json& row) {
    const auto first = row["seq"].get<Sequence>();
    const bool is_gap = row.contains("lost_rows");
    const Sequence last = is_gap ? row["through"].get<Sequence>() : first;
    std::set<Sequence>& kind = is_gap ? lost : rows;
    const bool is_new = kind.count(first) == 0;
    const auto newest = [](const std::set<Sequence>& numbers) {
      return numbers.empty() ? 0 : *numbers.rbegin();
    };
    if (!is_new) ++repeats;
    if (is_new && first < std::max(newest(rows), newest(lost))) ++overtaken;
    for (Sequence number = first; number <= last; ++number) kind.insert(number);
  }
};

}  // namespace outrider
