// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace outrider {

/// A write-ahead log as SQLite will see it, and what it will not see.
///
/// SQLite believes the log up to the first frame that is not right, and forgets the rest without a word: after a power
/// cut that is what was being written. When whole transactions follow, the frame was right once, and what it forgets
/// was durable.
struct LogContents {
  enum class State {
    kAbsent,
    kEmpty,   ///< Nothing was written since it was made.
    kSound,   ///< All of it that was ever durable can be read, as far as one can see.
    kBroken,  ///< Transactions that were durable lie behind damage.
  };
  State state = State::kAbsent;
  std::uint64_t bytes = 0;
  /// Page → where its newest image begins; behind damage every frame that is right by itself counts.
  std::unordered_map<std::uint32_t, std::uint64_t> images;
};

/// Source   sqlite.org/fileformat2.html, section 4.
LogContents read_log(const std::string& path);

}  // namespace outrider
