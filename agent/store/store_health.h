// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace outrider {

/// How the buffer's storage is doing. Counts are since the buffer was opened.
struct StoreHealth {
  std::uint64_t file_bytes = 0;  ///< Database file and its log, as they lie on the disk.
  std::uint64_t used_bytes = 0;  ///< Of the database file, without the pages that are free for new rows.
  std::uint64_t limit_bytes =
      0;  ///< used_bytes never exceeds this; less than configured while the disk is short.
  std::uint64_t free_disk_bytes = 0;
  bool is_disk_short = false;  ///< Free disk is below the minimum: the file does not grow.
  bool is_failing = false;     ///< The last commit could not write everything: `last_error` says why.
  bool is_in_memory = false;   ///< There is no file, and there ought to be one: `last_error` says why.
  bool is_damaged = false;     ///< Must be opened anew, which salvages what can be read.
  std::string last_error;      ///< Of the last commit that failed; kept when a later one succeeds.
  std::uint64_t commits = 0;   ///< Transactions that wrote something.
  std::uint64_t failed_commits = 0;
  std::uint64_t written_bytes = 0;  ///< Passed to the file system, log and file together.
  std::uint64_t syncs = 0;          ///< Times the storage was asked to make writes durable.
  std::uint64_t dead_letters = 0;   ///< In the table now.
};

}  // namespace outrider
