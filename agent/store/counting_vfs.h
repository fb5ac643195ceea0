// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "agent/store/sqlite.h"

struct sqlite3_vfs;

namespace outrider {

/// SQLite's way to the file system for one connection: what was the default when it was made, plus counters.
///
/// SQLite itself does not tell how much it writes, and flash wears by bytes. Registered under a name of its own while
/// it lives, so several connections never share counters. Must outlive its connection.
/// Shape    bytes of the file, its log and its journal together. Not counted: what the file system allocates when a
///          file grows by a chunk, and its own bookkeeping.
/// Threads  that of its connection.
class CountingVfs {
 public:
  CountingVfs();
  ~CountingVfs();
  CountingVfs(const CountingVfs&) = delete;
  CountingVfs& operator=(const CountingVfs&) = delete;

  const char* name() const { return name_.c_str(); }
  const IoCounters& counters() const { return counters_; }
  /// Called after each read; nothing when empty.
  void on_read(std::function<void()> callback) { on_read_ = std::move(callback); }

 private:
  friend struct CountedFile;
  const std::string name_;
  sqlite3_vfs* const below_;
  const std::unique_ptr<sqlite3_vfs> vfs_;
  IoCounters counters_;
  std::function<void()> on_read_;
};

}  // namespace outrider
