// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "agent/base/result.h"
#include "agent/store/sqlite.h"

namespace outrider {

/// How max_bytes is divided between the database file and its write-ahead log.
struct StoreLimits {
  std::int64_t database_pages = 0;  ///< The file never grows beyond this.
  std::int64_t wal_pages = 0;       ///< The log goes into the file when it is this long.
  std::uint64_t letter_bytes = 0;   ///< Of payload that dead letters may take.
  std::uint64_t max_row_bytes = 0;  ///< A larger payload might not fit even when no other row is there.
};
inline constexpr std::int64_t kPageBytes = 4096;
/// Room for the tables themselves and a few rows: less cannot work.
inline constexpr std::int64_t kMinDatabasePages = 48;
StoreLimits limits_for(std::uint64_t max_bytes);

/// Whose file it is. Nothing is changed in it; the lock on it is taken and kept.
enum class FileOwner { kNobody, kUs, kNewerVersion, kStranger };
Result<FileOwner> owner_of(Database& database);

/// Sets every pragma that matters and makes the tables if the file is nobody's yet.
Status prepare_schema(Database& database, FileOwner owner, const StoreLimits& limits);

/// Caps the database file; a file that is longer already keeps its length and does not grow.
Status set_page_limit(Database& database, std::int64_t pages);

/// Values of table `meta`; "" when there is none. Writing belongs inside a transaction.
Result<std::string> read_meta(Database& database, const std::string& key);
Status write_meta(Database& database, std::string_view key, std::string_view value);

}  // namespace outrider
