// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace outrider {

/// Moves the files of a buffer (database, log, shared memory) out of the way, together, within their directory.
///
///   outrider.db.salvage     damaged, and what can be read is not all in the new file yet
///   outrider.db.damaged-3   done with; kept for a person to look at, within bounds
///   outrider.db.foreign-1   never ours to judge (another program's, a newer version's, a directory): never removed
///
/// Power    a rename is durable at the latest with the directory's next sync, which the new file's log brings. The
///          database goes last, so a move that was cut off can be told and is finished.
class SetAside {
 public:
  explicit SetAside(std::string database) : database_(std::move(database)) {}

  /// Where `begin` moves to.
  std::string pending() const { return database_ + ".salvage"; }
  /// A move was begun and `finish` not reached.
  bool is_pending() const;
  /// Damaged files go to `pending`; goes on with a move that was cut off.
  Status begin();
  /// What was pending gets its last name, which is returned.
  Result<std::string> finish();
  /// Files that are not ours get a name of their own, which is returned.
  Result<std::string> move_away();

  struct Set {
    std::string path;
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
  };
  /// Damaged sets, oldest first.
  std::vector<Set> damaged() const;
  /// Removes the oldest of them until there are at most `max_sets`, and what is pending and they come to `max_bytes`;
  /// the newest of all stays in any case.
  void limit(std::size_t max_sets, std::uint64_t max_bytes) const;

 private:
  std::string next_name(std::string_view kind) const;
  Status move(const std::string& to) const;

  const std::string database_;
};

/// There is a file, and not an empty one.
bool has_content(const std::string& path);
/// Of the database, its log and its shared memory together; 0 when there is none.
std::uint64_t database_bytes(const std::string& path);
/// Removes a database with its log, the database first.
void remove_database(const std::string& path);

}  // namespace outrider
