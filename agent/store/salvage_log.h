// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace outrider {

/// A write-ahead log as SQLite will see it, and what it will not see.
///
/// SQLite believes the log up to the first frame that is not right, and forgets the rest without a word: after a power
/// cut that is what was being written. When the end of a transaction follows, what it forgets was most likely durable.
/// (Or the storage wrote the end of the last transaction before its beginning, and then the power went: to take that
/// for damage costs a new epoch and no row.) Damage in the very last frame is taken for a power cut.
struct LogContents {
  enum class State {
    kAbsent,
    kEmpty,   ///< Nothing was written since it was made.
    kSound,   ///< All of it that was ever durable can be read, as far as one can see.
    kBroken,  ///< Transactions that were durable lie behind damage.
  };
  State state = State::kAbsent;
  std::uint64_t bytes = 0;
  /// Page → where its newest image begins, of transactions that came to their end; behind damage every frame counts that
  /// is right by itself.
  std::unordered_map<std::uint32_t, std::uint64_t> images;
};

/// Source   sqlite.org/fileformat2.html, section 4.
LogContents read_log(const std::string& path);

}  // namespace outrider
