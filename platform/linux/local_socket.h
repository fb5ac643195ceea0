// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "platform/linux/descriptor.h"

namespace outrider {

/// A listening Unix stream socket that only its owner may use, with its file.
///
/// Life cycle  what a crashed process left there is removed, but only when nobody listens on it; the destructor removes
///             the file if it is still ours.
class LocalListener {
 public:
  /// Errors  kRetry with what is in the way: another process listens there, a file that is no socket, no such directory.
  static Result<LocalListener> open(const std::string& path);

  LocalListener() = default;
  LocalListener(LocalListener&& other) noexcept = default;
  LocalListener& operator=(LocalListener&& other) noexcept;
  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;
  ~LocalListener() { close(); }

  bool is_open() const { return socket_.is_open(); }
  /// The file is still the one that was made: else nobody can find this listener.
  bool is_in_place() const;
  int descriptor() const { return socket_.number(); }
  /// A connection, non-blocking; closed when there is none, and errno says why.
  Descriptor accept() const;
  void close();

 private:
  std::string path_;
  Descriptor socket_;
  dev_t device_ = 0;  // of the file that we made
  ino_t inode_ = 0;
};

/// A non-blocking connection. Waits at most `longest` for a listener that is busy.
/// Errors  kRetry: nobody listens on `path`. kStop: whatever else is wrong.
Result<Descriptor> connect_local(const std::string& path, milliseconds longest);

}  // namespace outrider
