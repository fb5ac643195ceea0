// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "agent/ports/secure_channel.h"
#include "platform/linux/descriptor.h"

namespace outrider {

struct NameLookup;  // shared with the thread that asks the resolver
struct SocketAddress;

/// One attempt to reach a broker over TCP: looks the name up, then tries its addresses in turn.
///
/// Time     addresses that stay silent share what is left until the deadline.
/// Threads  the link's only. A name is looked up by a thread of its own that nobody waits for: getaddrinfo can take
///          half a minute and cannot be cancelled. A lookup of the same name that still runs is joined, not repeated.
class Dialer {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Progress { kUnderWay, kConnected, kFailed };

  Dialer(BrokerAddress address, Time deadline, milliseconds timeout, std::shared_ptr<NameLookup>& lookup);
  ~Dialer();

  int descriptor() const;  ///< To poll, -1 when there is nothing to poll yet.
  short events() const;
  Time wake_at() const;

  Progress advance(Time now);

  Descriptor take_socket() { return std::move(socket_); }
  /// Why, after kFailed.
  LinkFailure failure() const;

 private:
  void start_lookup(std::shared_ptr<NameLookup>& lookup);
  bool take_lookup();
  Progress try_next(Time now);
  Progress check_connect(Time now);
  Progress fail(std::string why);

  const BrokerAddress address_;
  const Time deadline_;
  const milliseconds timeout_;
  std::shared_ptr<NameLookup> lookup_;  ///< Absent once its answer was taken.
  std::vector<SocketAddress> candidates_;
  std::size_t next_ = 0;
  Descriptor socket_;
  Time give_up_at_{};  ///< On the address that is being tried.
  std::string failure_;
};

}  // namespace outrider
