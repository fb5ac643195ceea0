// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/bell.h"
#include "agent/ports/broker.h"
#include "platform/linux/link.h"
#include "platform/paho/event_queue.h"

namespace outrider {

class PahoConnection;

/// Broker on Paho MQTT C++, every connection through the in-process link.
///
/// What the broker would refuse for good by its CONNACK limits (size, QoS, retain) never leaves: kReject with the
/// reason it would have given. A message above the window (by number or by bytes) waits: kRetry.
///
/// Threads  as the port says; beside Paho's two and the link's, one worker that starts and ends connections, because
///          ending one takes Paho 100 to 200 ms. It does so in turn: no connection starts before the last one is gone.
class PahoBroker final : public Broker {
 public:
  /// `secure` is for mqtts://; without it such addresses are refused.
  explicit PahoBroker(Bell& bell, std::unique_ptr<SecureClient> secure = nullptr);
  ~PahoBroker() override;
  PahoBroker(const PahoBroker&) = delete;
  PahoBroker& operator=(const PahoBroker&) = delete;

  /// Errors  kReject for mqtts:// without a secure client.
  Status connect(const ConnectRequest& request) override;
  void disconnect(bool politely) override;
  Status publish(const Publication& publication) override;
  void take_events(std::vector<BrokerEvent>& events) override;
  void set_passing(bool passing) override;

 private:
  struct Job {
    enum class Step { kStart, kEndPolitely, kRetire };
    Step step;
    PahoConnection* connection;
    std::unique_ptr<PahoConnection> retired;  ///< kRetire: ends with the job.
  };

  void retire();
  std::uint64_t enqueue(Job job);
  void work() noexcept;

  EventQueue events_;
  const std::unique_ptr<SecureClient> secure_;  ///< The worker's.
  Link link_;

  // The loop's. The worker uses the connection too, until the job that retires it.
  std::unique_ptr<PahoConnection> connection_;
  bool is_up_ = false;  ///< kConnected was taken and kLost was not.
  BrokerLimits limits_;
  BrokerAddress address_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;        // guarded by mutex_
  std::uint64_t enqueued_ = 0;  // guarded by mutex_
  std::uint64_t done_ = 0;      // guarded by mutex_
  bool stop_ = false;           // guarded by mutex_

  std::thread worker_;  // last: uses all the others
};

/// "Paho MQTT C++ 1.2.0, Paho MQTT C 1.3.11": the headers we were built with, the library we run with.
std::string paho_version();

}  // namespace outrider
