// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "agent/ports/broker.h"

namespace outrider {

/// A broker without a network, driven by hand: nothing happens until the test says so, or, when `is_automatic`, until
/// the next `take_events`: it accepts the connection and does with every message what `judge` says, or acknowledges it.
class MemoryBroker final : public Broker {
 public:
  struct Record {
    std::uint64_t token = 0;
    std::string topic;
    std::string payload;
    int qos = 1;
    bool is_retained = false;
    std::string content_type;
  };

  /// What becomes of a message.
  struct Answer {
    enum class Kind : std::uint8_t {
      kAccept,
      kAcceptSilently,  ///< It arrives; the acknowledgement is lost.
      kRefuse,          ///< With `code`.
      kClose,  ///< The broker ends the connection, with `code` on MQTT 5; what came behind it is lost.
    };
    Kind kind = Kind::kAccept;
    int code = 0;
  };

  bool is_automatic = false;
  std::function<Answer(const Record&)> judge;
  bool answers_twice = false;
  bool answers_backwards = false;  ///< Those of one turn, last first.
  std::size_t answers_per_turn = std::numeric_limits<std::size_t>::max();
  BrokerLimits limits;                                             ///< Of the next connection.
  std::size_t capacity = std::numeric_limits<std::size_t>::max();  ///< Unacknowledged ones; beyond: kRetry.
  std::vector<ConnectRequest> requests;                            ///< Every `connect`.
  std::vector<Record> published;  ///< Everything handed over, in order, over all connections.
  std::vector<Record> accepted;   ///< What it took, in order; only of an automatic one.
  bool was_polite = false;        ///< How the last `disconnect` was.

  void accept() {
    is_connecting_ = false;
    is_connected_ = true;
    push(BrokerEvent::Kind::kConnected, 0, 0, "connected");
    events_.back().limits = limits;
  }
  void refuse(std::string text = "refused", int code = 0, LinkFault fault = LinkFault::kNetwork) {
    end(BrokerEvent::Kind::kRefused, std::move(text), code);
    events_.back().fault = fault;
  }
  void drop(std::string text = "lost", int code = 0) { end(BrokerEvent::Kind::kLost, std::move(text), code); }
  // The broker itself ends the connection.
  void refuse_by_closing() { end(BrokerEvent::Kind::kRefused, "closed by the broker", 0, true); }
  void close(std::string text = "closed by the broker", int code = 0) {
    end(BrokerEvent::Kind::kLost, std::move(text), code, true);
  }
  void acknowledge_next(std::size_t count = 1) { answer_next(count, BrokerEvent::Kind::kAcknowledged, 0); }
  void reject_next(int reason_code) { answer_next(1, BrokerEvent::Kind::kRejected, reason_code); }
  bool is_connecting() const { return is_connecting_; }
  bool is_connected() const { return is_connected_; }
  bool is_passing() const { return is_passing_; }
  std::size_t unacknowledged() const { return unacknowledged_.size(); }
  Status connect(const ConnectRequest& request) override {
    disconnect_now();
    events_.clear();
    requests.push_back(request);
    is_connecting_ = true;
    return ok();
  }

  void disconnect(bool politely) override {
    was_polite = politely;
    disconnect_now();
    events_.clear();
  }

  Status publish(const Publication& publication) override {
    if (!is_connected_) return retry("not connected");
    if (publication.topic.size() + publication.payload.size() > limits.max_packet_bytes)
      return reject("the packet is too large");
    if (unacknowledged_.size() >= capacity) return retry("no room");
    published.push_back({publication.token, std::string(publication.topic), std::string(publication.payload),
                         publication.qos, publication.is_retained, std::string(publication.content_type)});
    if (publication.qos > 0) unacknowledged_.push_back(published.size() - 1);
    return ok();
  }
  void take_events(std::vector<BrokerEvent>& events) override {
    if (is_automatic && is_passing_ && is_connecting_) accept();
    if (is_automatic && is_passing_) answer_by_itself();
    events.insert(events.end(), events_.begin(), events_.end());
    events_.clear();
  }
  void set_passing(bool passing) override { is_passing_ = passing; }

 private:
  void push(BrokerEvent::Kind kind, std::uint64_t token, int code, std::string text) {
    events_.push_back(
        {.kind = kind, .token = token, .reason_code = code, .limits = {}, .text = std::move(text)});
  }
  void end(BrokerEvent::Kind kind, std::string text, int code, bool is_closed_by_peer = false) {
    disconnect_now();
    push(kind, 0, code, std::move(text));
    events_.back().closed_by_peer = is_closed_by_peer;
  }
  void answer_next(std::size_t count, BrokerEvent::Kind kind, int code) {
    for (count = std::min(count, unacknowledged_.size()); count > 0; --count) {
      push(kind, published[unacknowledged_.front()].token, code, code == 0 ? "" : "rejected");
      unacknowledged_.pop_front();
    }
  }
  void answer_by_itself() {
    const auto first = static_cast<std::ptrdiff_t>(events_.size());
    for (std::size_t left = answers_per_turn; left > 0 && !unacknowledged_.empty(); --left) {
      const Record& record = published[unacknowledged_.front()];
      const Answer answer = judge ? judge(record) : Answer{};
      if (answer.kind == Answer::Kind::kClose) return close("closed by the broker", answer.code);
      if (answer.kind != Answer::Kind::kRefuse) accepted.push_back(record);
      if (answer.kind == Answer::Kind::kRefuse) answer_next(1, BrokerEvent::Kind::kRejected, answer.code);
      if (answer.kind == Answer::Kind::kAccept) answer_next(1, BrokerEvent::Kind::kAcknowledged, 0);
      if (answer.kind == Answer::Kind::kAcceptSilently) unacknowledged_.pop_front();
      if (answers_twice && !events_.empty()) events_.push_back(BrokerEvent(events_.back()));
    }
    if (answers_backwards) std::reverse(events_.begin() + first, events_.end());
  }
  void disconnect_now() {
    is_connecting_ = is_connected_ = false;
    unacknowledged_.clear();
  }

  bool is_connecting_ = false;
  bool is_connected_ = false;
  bool is_passing_ = true;
  std::deque<std::size_t> unacknowledged_;  // indexes of `published`
  std::vector<BrokerEvent> events_;
};

}  // namespace outrider
