// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/result.h"

struct sqlite3;
struct sqlite3_file;

namespace outrider {

class CountingVfs;

/// What one connection asked of the file system since it was opened.
struct IoCounters {
  std::uint64_t written_bytes = 0;  ///< File and log together.
  std::uint64_t syncs = 0;          ///< Times it waited for the storage to make writes durable.
};

/// One connection to one SQLite file; sqlite3.h stays behind it, in sqlite.cpp and counting_vfs.cpp.
///
/// Errors   kRetry: full, I/O error, read-only. kReject: another process has it. kStop: damaged, not a database, cannot be
///          opened, a bug of ours.
/// Threads  one.
class Database {
 public:
  /// The file grows by this much at a time.
  static constexpr int kChunkBytes = 64 << 10;

  /// Opens or makes the file; "" is a private temporary database. Nothing is read before the first statement.
  static Result<std::unique_ptr<Database>> open(const std::string& path);
  /// A damaged file that must be there, to be read only: neither it nor its log is changed or removed.
  static Result<std::unique_ptr<Database>> open_evidence(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs statements that give no rows, or rows that nobody wants.
  Status execute(const std::string& sql);
  /// First column of the first row; 0 or "" when there is none.
  Result<std::int64_t> integer(const std::string& sql);
  Result<std::string> text(const std::string& sql);

  /// Runs `body` inside BEGIN IMMEDIATE; commits if it returns ok, rolls back otherwise.
  template <class Body>
  Status transact(Body body) {
    if (Status begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
    Status done = body();
    if (done) done = reserve();
    if (done) done = execute("COMMIT");
    if (!done) roll_back();  // the first error is the one worth reporting
    return done;
  }

  /// Moves what is in the write-ahead log into the file; the log is written from its beginning again.
  Status checkpoint();

  /// Writes the log again as it is read, for `checkpoint` to make durable: of a write whose sync failed the system shows
  /// what was to be written until the power goes, but tries no second time to keep it.
  Status rewrite_log();

  /// Writes the beginning of the log, durably. This connection still goes by what it read: close it.
  Status write_log_header(std::string_view header);

  /// Sees to it that the log is at least so long, durably with the next commit. What is added takes no room yet.
  Status lengthen_log(std::int64_t bytes);

  /// "ok", what is wrong with the structure of the file, or "" when `may_go_on`, asked with every few pages that are
  /// read, said no.
  Result<std::string> quick_check(const std::function<bool()>& may_go_on);

  /// True when the last error was that the file or the disk is full.
  bool was_full() const { return was_full_; }
  /// True when a page or the file itself was found damaged since it was opened.
  bool was_damaged() const { return was_damaged_; }
  /// As if a damaged page had been met.
  void note_damage() { was_damaged_ = true; }
  /// Whether closing leaves the log as it is, rather than moving it into the file and removing it. That of a damaged file
  /// always stays: it is evidence.
  void keep_log(bool keeps) { keeps_log_ = keeps; }
  /// True when the last error was that this user may not read or write.
  bool was_refused() const { return was_refused_; }
  const std::string& path() const { return path_; }
  IoCounters io_counters() const;

 private:
  friend class Query;
  explicit Database(std::string path);
  static Result<std::unique_ptr<Database>> open(const std::string& path, int flags);
  Status reserve();
  void roll_back();
  Error failure(int code);
  sqlite3_file* log_file();

  const std::string path_;
  const std::unique_ptr<CountingVfs> vfs_;
  sqlite3* handle_ = nullptr;
  bool was_full_ = false;
  bool was_refused_ = false;
  bool was_damaged_ = false;
  bool keeps_log_ = false;
  std::int64_t page_bytes_ = 0;  ///< 0: not asked yet.
};

/// Version of the linked SQLite.
std::string sqlite_version();

}  // namespace outrider
