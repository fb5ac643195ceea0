// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace outrider {

/// A write-ahead log as SQLite will see it, and what it will not see.
///
/// SQLite believes the log up to the first frame that is not right, and forgets the rest without a word: after a power
/// cut that is what was being written. When another transaction follows, it was durable once. Damage in the last
/// transaction of all looks like a power cut, and nothing here can tell them apart.
struct LogContents {
  enum class State {
    kAbsent,
    kEmpty,   ///< Nothing was written since it was made.
    kSound,   ///< All of it that was ever durable can be read, as far as one can see.
    kBroken,  ///< Transactions that were durable lie behind damage.
  };
  State state = State::kAbsent;
  bool is_ignored = false;  ///< Its header is not right, so SQLite does not look further.
  /// The header that was being written, whole; "" unless it is torn and all the log holds is in the file. SQLite would
  /// begin the log anew with the salts of the one before, whose frames then look like the new one's.
  std::string header;
  std::uint64_t bytes = 0;
  /// Page → where its newest image begins, of transactions that came to their end; behind damage every frame counts that
  /// is right by itself.
  std::unordered_map<std::uint32_t, std::uint64_t> images;
  std::uint32_t unjudged_page = 0;  ///< One of these that no checksum vouches for; 0: none.
};

/// A log that SQLite ignores and whose every image has moved into `database` counts as sound: the header is half written
/// when the power goes as the log is begun anew.
/// Source   sqlite.org/fileformat2.html, section 4.
LogContents read_log(const std::string& database);

}  // namespace outrider
