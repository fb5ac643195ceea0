// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

struct sqlite3_vfs;

namespace outrider {

/// A storage device under SQLite that fails on command and, when the power is cut, forgets what was not synced.
///
/// Lies over the real file system and is SQLite's default while it lives: make it before the first database, and make no
/// two. `restore_power` leaves in the files what was synced plus, chosen by the seed, any of the sectors written since.
/// Threads  one.
class FaultVfs {
 public:
  explicit FaultVfs(std::uint64_t seed);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  /// Writes, truncations, deletions and syncs so far: the moments at which a power cut makes a difference.
  std::uint64_t changes() const { return changes_; }

  /// During the change number `changes() + after` (from 0) the power goes; nothing works from then on.
  void cut_power(std::uint64_t after) { cut_at_ = changes_ + after; }
  bool is_cut() const { return is_cut_; }
  /// What kill -9 does: nothing works from now on, and everything that was written survives.
  void kill() { is_cut_ = true; }
  /// Every file must be closed.
  void restore_power();

  enum class Operation { kRead, kWrite, kSync, kResize };
  struct Failure {
    Operation operation = Operation::kWrite;
    int code = 0;                                          ///< SQLite's, extended.
    std::uint64_t after = 0;                               ///< So many of these operations still work.
    std::uint64_t times = static_cast<std::uint64_t>(-1);  ///< So many fail then.
  };
  /// A write that fails may have written a part. A failed sync forgets what it should have made durable, as Linux does:
  /// the next sync does not try again.
  void fail(const Failure& failure) { failure_ = failure; }
  void heal() { failure_.reset(); }
  /// From now on syncs do nothing, and say that they did: so is the worst storage there is.
  void ignore_syncs() { ignores_syncs_ = true; }
  /// Failures wait while a test looks at what there is.
  void pause(bool is_paused) { is_paused_ = is_paused; }
  std::uint64_t failures() const { return failures_; }

 private:
  friend struct FaultFile;
  struct Change {
    std::int64_t offset = 0;  ///< The new size, if this is a resize.
    std::string bytes = {};
    bool is_resize = false;
  };
  /// One file as it is on the medium, and what was done to it since it was last synced.
  struct Medium {
    std::string durable;
    bool is_entry_durable = false;  ///< The directory names it.
    std::vector<Change> pending;
  };

  Medium& medium(const std::string& path);
  bool is_last_change() const { return cut_at_ == changes_; }
  bool begin_change();
  static void apply(const Change& change, std::string& image);
  std::optional<int> injected(Operation operation);
  void cut();
  std::string survivor(const Medium& medium);
  bool toss() { return random_() % 2 == 0; }

  const std::unique_ptr<sqlite3_vfs> vfs_;
  sqlite3_vfs* const below_;
  std::mt19937_64 random_;
  std::map<std::string, Medium> media_;
  std::map<std::string, std::optional<std::string>> survivors_;  ///< By path; nullopt: the file is not there.
  std::uint64_t changes_ = 0;
  std::uint64_t failures_ = 0;
  std::optional<std::uint64_t> cut_at_;
  bool is_cut_ = false;
  bool is_paused_ = false;
  bool ignores_syncs_ = false;
  std::optional<Failure> failure_;
};

}  // namespace outrider
