// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mqtt/async_client.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "agent/ports/broker.h"
#include "platform/linux/link.h"
#include "platform/paho/event_queue.h"
#include "platform/paho/in_flight.h"

namespace outrider {

/// One attempt to connect and, if it succeeds, one connection: a Paho client object that is used once. Paho's own
/// reconnect resends out of order and loses tokens (paho.mqtt.c 1.3.12).
///
/// Life     constructed → `start` → `publish`… → `end_politely` or not → destroyed, which takes 100 to 200 ms.
/// Threads  construction and `publish`: the loop. `start`, `end_politely` and destruction: PahoBroker's worker, one at a
///          time. The listeners run on Paho's threads with Paho's lock held: they note what happened and return.
class PahoConnection {
 public:
  /// `secure` makes the channel of a secure address; may be absent for others.
  PahoConnection(std::uint64_t number, ConnectRequest request, SecureClient* secure, EventQueue& events,
                 Link& link);
  ~PahoConnection();
  PahoConnection(const PahoConnection&) = delete;
  PahoConnection& operator=(const PahoConnection&) = delete;

  /// kConnected or kRefused will follow.
  void start();
  /// Sends DISCONNECT and waits until the broker has it, at most `longest`.
  void end_politely(milliseconds longest);

  /// After kConnected; `limits` are what came with it. See Broker::publish.
  Status publish(const Publication& publication, const BrokerLimits& limits);

 private:
  class ConnectListener final : public mqtt::iaction_listener {
   public:
    explicit ConnectListener(PahoConnection& connection) : connection_(connection) {}
    void on_success(const mqtt::token& token) override { connection_.connected(token); }
    void on_failure(const mqtt::token& token) override { connection_.refused(token); }

   private:
    PahoConnection& connection_;
  };
  class MarkerListener final : public mqtt::iaction_listener {
   public:
    explicit MarkerListener(Link& link) : link_(link) {}
    void on_success(const mqtt::token&) override { link_.tell_client(); }
    void on_failure(const mqtt::token&) override { link_.tell_client(); }

   private:
    Link& link_;
  };
  class PublishListener final : public mqtt::iaction_listener {
   public:
    explicit PublishListener(PahoConnection& connection) : connection_(connection) {}
    void on_success(const mqtt::token& token) override { connection_.delivered(token); }
    void on_failure(const mqtt::token& token) override { connection_.not_delivered(token); }

   private:
    PahoConnection& connection_;
  };

  void connected(const mqtt::token& token);
  void refused(const mqtt::token& token);
  void delivered(const mqtt::token& token);
  void not_delivered(const mqtt::token& token);
  void lost();
  void ended_by_broker(int reason);

  bool drain();
  void open_client(std::uint16_t port);
  bool end_client(milliseconds longest);
  void report_refused(int code, std::string why, LinkFault fault);
  Status hand_over(const Publication& publication, std::size_t slot);
  mqtt::connect_options options() const;

  const std::uint64_t number_;
  const ConnectRequest request_;
  const std::string broker_;  ///< "broker.example:1883", for texts.
  SecureClient* const secure_;
  EventQueue& events_;
  Link& link_;
  InFlight in_flight_;
  ConnectListener connect_listener_{*this};
  PublishListener publish_listener_{*this};
  MarkerListener marker_listener_{link_};
  std::mutex hand_over_;                        ///< Held to give Paho a message: the marker is the last one.
  std::atomic<bool> is_open_{false};            ///< Paho may be given messages.
  std::unique_ptr<mqtt::async_client> client_;  ///< Last: its callbacks use all the others.
};

}  // namespace outrider
