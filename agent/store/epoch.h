// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace outrider {

/// Identity of one life of the buffer: "7-5f3a91c2". The number shows the order, the random part tells apart two lives
/// that came to the same number (a cloned card, a lost file).
struct Epoch {
  std::uint64_t counter = 0;
  std::uint32_t random = 0;

  std::string text() const;
  bool operator==(const Epoch&) const = default;
};

/// nullopt when it is not an epoch; a newline at the end is allowed.
std::optional<Epoch> parse_epoch(std::string_view text);

struct EpochDecision {
  Epoch epoch;
  bool is_new = false;         ///< Not that of the database: rows that wait go out under the new one.
  bool is_file_stale = false;  ///< The file must be written, before the database.
};

/// Which epoch holds, from what the file beside the database and the database itself say. A new one begins whenever
/// numbers might repeat: the database is new, older than the file (restored), or of another life than the file, or the
/// last run sent rows that it had not written (`may_repeat`).
///
/// Shape    `file` is nullopt when there is no file, `database` when it is new or numbers of its epoch may be used
///          already. A new counter is above `least`.
EpochDecision decide_epoch(const std::optional<std::string>& file, const std::optional<Epoch>& database,
                           std::uint64_t random, bool may_repeat = false, std::uint64_t least = 0);

}  // namespace outrider
