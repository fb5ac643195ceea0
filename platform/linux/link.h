// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/result.h"
#include "platform/linux/descriptor.h"
#include "platform/linux/link_connection.h"
#include "platform/linux/link_report.h"

namespace outrider {

/// The way to the broker: a relay inside this process between Paho, over the loopback, and the network.
///
/// It keeps the reason of a failure, which Paho does not; ends a connection towards Paho so that a memory bug of Paho
/// stays asleep; can simulate a tunnel; and puts a secure channel between the two, if it is given one. Every connection
/// has a listener of its own, which lets in one socket of this very process and is then closed.
///
/// Threads  one inside, which owns all sockets; all methods: any thread. Changes hold when the method returns.
class Link {
 public:
  Link();
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Prepares a connection, dropping what there was; returns the loopback port where Paho finds it. `channel` goes
  /// between the two ends; absent: the bytes pass as they are.
  /// Errors  kRetry when the system has no socket to spare.
  Result<std::uint16_t> open(const LinkRequest& request, std::unique_ptr<SecureChannel> channel = nullptr);

  /// Ends the connection at once: not a byte more reaches the broker.
  void cut();

  /// Lets the client of a connection that the broker ended, or that was cut, see end of file. Does not wait: may be
  /// called where waiting is forbidden.
  void tell_client();

  /// True as soon as the client has closed and all it sent has been handed to the broker, or that was given up.
  bool wait_released(milliseconds longest) { return report_.wait_released(longest); }

  /// Why the connection that was opened last failed, "10.0.0.7:1883 refused the connection"; empty when it did not.
  std::string failure() const { return report_.failure().text; }
  LinkFault fault() const { return report_.failure().fault; }

  /// True when the broker itself closed or reset that connection.
  bool was_ended_by_broker() const { return report_.is_by_broker(); }

  /// False: as in a tunnel, nothing passes either way.
  void set_passing(bool passing);

 private:
  struct Orders {
    bool stop = false;
    bool cut = false;
    bool tell = false;
    bool passing = true;
    std::unique_ptr<LinkConnection> opened;
  };

  template <class Change>
  void order(Change change);
  void run() noexcept;
  bool follow_orders();
  void wait_for_work();
  void advance_all();

  LinkReport report_;
  const Descriptor wake_;

  std::vector<std::unique_ptr<LinkConnection>> connections_;  // the thread's own; the newest is last
  std::vector<pollfd> polls_;
  std::shared_ptr<NameLookup> lookup_;
  bool passing_ = true;

  std::mutex mutex_;
  std::condition_variable followed_;
  Orders orders_;                  // guarded by mutex_
  std::uint64_t ordered_ = 0;      // guarded by mutex_
  std::uint64_t carried_out_ = 0;  // guarded by mutex_

  std::thread thread_;  // last: uses all the others
};

}  // namespace outrider
