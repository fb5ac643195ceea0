// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/row.h"

namespace outrider {

/// What a gap record says of the rows seq..through, which will never come. Its row's time is that of the oldest of them.
struct Gap {
  struct Part {
    std::string cause;
    std::uint64_t rows = 0;
    std::uint64_t samples = 0;
  };
  std::vector<Part> parts = {};  ///< One for each cause, at most kMostGapCauses.
  std::uint32_t until_boot = 0;
  BootTime until{};  ///< Time of the newest of them.

  std::uint64_t rows() const;
  std::uint64_t samples() const;
  /// Counts a row that went, and the losses that only it reported.
  void add_row(std::string_view cause, const Row& row);
  /// Counts rows more; beyond kMostGapCauses causes as "other".
  void add(std::string_view cause, std::uint64_t rows, std::uint64_t samples);
};
inline constexpr std::size_t kMostGapCauses = 8;
/// Cause of samples whose loss a row reported that does not come, or comes elsewhere: of what, only its payload says.
inline constexpr std::string_view kLostBefore = "lost_before";

/// Payload of a row of RowFormat::kGap.
std::string gap_payload(const Gap& gap);
/// What is missing from a payload that is cut short is 0: only a damaged store has such.
Gap parse_gap(std::string_view payload);

}  // namespace outrider
