// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <atomic>
#include <thread>

#include "agent/base/bell.h"
#include "platform/linux/descriptor.h"

namespace outrider {

/// SIGINT and SIGTERM as a flag and a ring of the loop's bell. A second SIGINT ends the process at once, with code 130.
///
/// Life cycle  made by main before any other thread, because threads inherit what is blocked; the destructor puts the
///             old mask of the calling thread back.
/// Threads     the signals are blocked and read from a descriptor by a thread of its own, so nothing ever runs inside a
///             signal handler and the bell's mutex is safe to take. `flag` may be read by any thread.
class StopSignal {
 public:
  explicit StopSignal(Bell& bell);
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  const std::atomic<bool>& flag() const { return is_stopping_; }

 private:
  void listen() noexcept;
  void take_signal() noexcept;

  static_assert(std::atomic<bool>::is_always_lock_free);
  std::atomic<bool> is_stopping_{false};
  Bell& bell_;
  sigset_t old_mask_{};
  Descriptor signals_;            ///< signalfd
  Descriptor farewell_;           ///< eventfd: the destructor asks the thread to end.
  bool was_interrupted_ = false;  // used by the thread only
  std::thread thread_;
};

/// True when people look at this descriptor: progress lines and colours make sense.
bool is_terminal(int descriptor);

}  // namespace outrider
