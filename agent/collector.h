// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <thread>

#include "agent/base/bell.h"
#include "agent/base/inbox.h"
#include "agent/base/result.h"
#include "agent/ports/can_port.h"

namespace outrider {

/// The thread that receives: frames from a port into the inbox, nothing else. It may never wait for flash, so it does
/// not decode, store or log per frame.
///
/// A port that can wait (a log, a simulation) is read only as fast as the inbox has room; any other is read as fast as
/// it delivers, and the inbox counts what does not fit.
class Collector {
 public:
  /// Starts at once. All references are borrowed and outlive the collector. `bell` rings when the inbox is half full and
  /// at the end of the feed.
  Collector(CanPort& port, Inbox<CanFrame>& inbox, Bell& bell);
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  /// True when the port has no more frames and all of them are in the inbox.
  bool has_ended() const { return has_ended_; }
  /// Why the feed ended, when it failed. Only to be asked once it has ended.
  const Status& failure() const { return failure_; }

 private:
  void run() noexcept;  // NOLINT(bugprone-exception-escape): as in the definition

  CanPort& port_;
  Inbox<CanFrame>& inbox_;
  Bell& bell_;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> has_ended_ = false;
  Status failure_;  // written by the thread before has_ended_
  std::thread thread_;
};

}  // namespace outrider
