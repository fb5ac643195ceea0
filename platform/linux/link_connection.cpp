// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/link_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "platform/linux/own_socket.h"

namespace outrider {
namespace {

constexpr std::size_t kUpBytes = 1 << 20;
constexpr std::size_t kDownBytes = 64 << 10;
constexpr std::chrono::seconds kFlushLimit{2};
constexpr std::chrono::seconds kTellLimit{1};
constexpr const char* kWantsTls = " before it said anything; is this a port for TLS (mqtts://)?";
constexpr short kGone = POLLRDHUP | POLLHUP | POLLERR;
constexpr short kReadable = POLLIN | POLLHUP | POLLERR;

bool has_ended(const Moved& moved) {
  return moved.how == Moved::How::kEnded || moved.how == Moved::How::kFailed;
}

/// An alert or a handshake record of TLS (RFC 8446 section 5.1). What a broker says first in MQTT is CONNACK, 0x20.
bool is_tls(std::span<const char> bytes) {
  return bytes.size() >= 2 && (bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 0x03;
}

short wanted(bool in, bool out) { return static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0)); }

}  // namespace

LinkConnection::LinkConnection(std::uint64_t number, Descriptor listener, LinkRequest request,
                               std::unique_ptr<SecureChannel> channel, LinkReport& report,
                               std::shared_ptr<NameLookup>& lookup)
    : number_(number),
      request_(std::move(request)),
      deadline_(std::chrono::steady_clock::now() + request_.timeout),
      report_(report),
      lookup_(lookup),
      listener_(std::move(listener)),
      channel_(std::move(channel)),
      up_(kUpBytes),
      down_(kDownBytes) {
  if (request_.max_packet_bytes) guard_.emplace(*request_.max_packet_bytes);
}

void LinkConnection::add_interest(std::vector<pollfd>& polls, bool passing) {
  const auto add = [&polls](int descriptor, short events) -> std::ptrdiff_t {
    // Not even for errors when nothing is wanted: they would be reported again and again.
    if (descriptor < 0 || events == 0) return -1;
    polls.push_back({descriptor, events, 0});
    return std::ssize(polls) - 1;
  };
  const bool is_waiting = stage_ == Stage::kWaiting;
  client_poll_ = add(is_waiting ? listener_.number() : client_.number(), client_events(passing));
  broker_poll_ = -1;
  if (!passing) return;
  if (dialer_) broker_poll_ = add(dialer_->descriptor(), dialer_->events());
  if (wire_.is_open()) broker_poll_ = add(wire_.descriptor(), broker_events());
}

short LinkConnection::client_events(bool passing) const {
  switch (stage_) {
    case Stage::kWaiting:
      return POLLIN;
    case Stage::kDialing:
    case Stage::kShakingHands:
      return POLLRDHUP;
    case Stage::kRelaying:
      return static_cast<short>(POLLRDHUP | (passing ? wanted(!up_.full(), !down_.empty()) : 0));
    case Stage::kFlushing:
      return wanted(passing && !up_.full(), false);
    case Stage::kSwallowing:
      return wanted(true, !down_.empty());
    case Stage::kDone:
      break;
  }
  return 0;
}

short LinkConnection::broker_events() const {
  const bool has_bytes = stage_ != Stage::kShakingHands && !up_.empty() && write_error_ == 0;
  return wanted(!down_.full(), has_bytes || wire_.wants_to_send());
}

LinkConnection::Time LinkConnection::wake_at(bool passing) const {
  constexpr Time kAtOnce{};
  if (passing && parked_.is_open()) return kAtOnce;
  switch (stage_) {
    case Stage::kWaiting:
      return deadline_;
    case Stage::kDialing:
      if (!passing) return deadline_;
      return dialer_ ? std::min(deadline_, dialer_->wake_at()) : kAtOnce;
    case Stage::kShakingHands:
      return deadline_;
    case Stage::kRelaying:
      if (passing && wire_.has_more() && !down_.full()) return kAtOnce;
      return has_heard_broker_ ? Time::max() : deadline_;
    case Stage::kFlushing:
      return flush_until_;
    case Stage::kSwallowing:
      return may_tell_ ? Time::max() : tell_at_;
    case Stage::kDone:
      break;
  }
  return Time::max();
}

void LinkConnection::advance(const std::vector<pollfd>& polls, Time now, bool passing) {
  const auto answer = [&polls](std::ptrdiff_t index) {
    return index < 0 ? short{0} : polls[static_cast<std::size_t>(index)].revents;
  };
  const Readiness ready{answer(client_poll_), answer(broker_poll_)};
  client_poll_ = broker_poll_ = -1;
  if (passing) parked_.close();
  switch (stage_) {
    case Stage::kWaiting:
      if (ready.client != 0) accept_client();
      if (stage_ == Stage::kWaiting && now >= deadline_) cut(now, passing);
      break;
    case Stage::kDialing:
      dial(ready, now, passing);
      break;
    case Stage::kShakingHands:
      shake_hands(ready, now, passing);
      break;
    case Stage::kRelaying:
      relay(ready, now, passing);
      break;
    case Stage::kFlushing:
      flush(ready, now, passing);
      break;
    case Stage::kSwallowing:
      swallow(now);
      break;
    case Stage::kDone:
      break;
  }
}

void LinkConnection::accept_client() {
  Descriptor peer(::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!peer.is_open()) return;
  if (!is_own_socket(peer.number())) {
    log_warning(
        "link.peer",
        "another process connected to the loopback port of the link to the broker and was turned away");
    return;
  }
  const int on = 1;
  (void)::setsockopt(peer.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  client_ = std::move(peer);
  listener_.reset();
  stage_ = Stage::kDialing;
}

void LinkConnection::dial(Readiness ready, Time now, bool passing) {
  if ((ready.client & kGone) != 0) return cut(now, passing);
  if (!passing) {
    if (now < deadline_) return;
    return end({{"no answer from " + request_.address.text() + " within " + duration_text(request_.timeout)}},
               now, passing);
  }
  if (!dialer_) dialer_ = std::make_unique<Dialer>(request_.address, deadline_, request_.timeout, lookup_);
  const Dialer::Progress progress = dialer_->advance(now);
  if (progress == Dialer::Progress::kUnderWay) return;
  const std::unique_ptr<Dialer> dialer = std::move(dialer_);
  if (progress == Dialer::Progress::kFailed) return end({dialer->failure()}, now, passing);
  wire_ = Wire(dialer->take_socket(), std::move(channel_));
  if (!wire_.is_secure()) {
    stage_ = Stage::kRelaying;
    return;
  }
  stage_ = Stage::kShakingHands;
  shake_hands({}, now, passing);
}

void LinkConnection::shake_hands(Readiness ready, Time now, bool passing) {
  if ((ready.client & kGone) != 0) return cut(now, passing);
  const Moved shaken = passing ? wire_.handshake() : Moved{};
  if (shaken.how == Moved::How::kSome) {
    stage_ = Stage::kRelaying;
  } else if (shaken.how != Moved::How::kNothing) {
    end({wire_.failure(shaken.error), true}, now, passing);
  } else if (now >= deadline_) {
    end({wire_.unfinished(duration_text(request_.timeout))}, now, passing);
  }
}

void LinkConnection::relay(Readiness ready, Time now, bool passing) {
  if (!has_heard_broker_ && now >= deadline_) {
    return end({{request_.address.text() + " took the connection but said nothing within " +
                 duration_text(request_.timeout)}},
               now, passing);
  }
  if (!passing) ready.broker = 0;
  const bool client_lives = (ready.client & kGone) == 0 && (!passing || move_up(ready));
  if (!client_lives) {
    stage_ = Stage::kFlushing;
    flush_until_ = now + kFlushLimit;
    return flush({}, now, passing);
  }
  if (passing) move_down(ready, now);
}

/// False when the client has ended.
bool LinkConnection::move_up(Readiness ready) {
  if ((ready.client & kReadable) != 0 && has_ended(read_socket(client_.number(), up_))) return false;
  const Moved written = write_error_ == 0 ? wire_.write(up_) : Moved{};
  if (written.how == Moved::How::kFailed) write_error_ = written.error;
  if (write_error_ != 0) up_.clear();
  return true;
}

void LinkConnection::move_down(Readiness ready, Time now) {
  if ((ready.broker & kReadable) != 0 || wire_.has_more()) {
    const std::span<const char> room = down_.writable();
    const Moved read = wire_.read(down_);
    if (auto why = objection(room.first(read.count))) {
      down_.clear();
      return end({std::move(*why)}, now, true);
    }
    has_heard_broker_ = has_heard_broker_ || read.how == Moved::How::kSome;
    if (has_ended(read)) {
      const int error = write_error_ != 0 ? write_error_ : read.error;
      LinkFailure why = wire_.failure(error);
      if (!has_heard_broker_ && !wire_.is_secure() && is_broker_doing(error)) why.text += kWantsTls;
      return end({std::move(why), is_broker_doing(error)}, now, true);
    }
  }
  (void)write_socket(client_.number(), down_);  // a failure shows as the client's end
}

/// Why what the broker sent must not reach the client.
std::optional<LinkFailure> LinkConnection::objection(std::span<const char> bytes) {
  if (!has_heard_broker_ && !wire_.is_secure() && is_tls(bytes))
    return LinkFailure{request_.address.text() + " speaks TLS on this port; write mqtts:// in front of it",
                       LinkFault::kHandshake};
  if (guard_ && !guard_->lets_pass(bytes))
    return LinkFailure{request_.address.text() +
                           " sent something that is no MQTT packet, or one of more than " +
                           size_text(*request_.max_packet_bytes),
                       LinkFault::kMqtt};
  return std::nullopt;
}

void LinkConnection::flush(Readiness ready, Time now, bool passing) {
  if (now >= flush_until_) {
    leave_broker(passing);
    return swallow(now);
  }
  if (!passing) return;
  if (client_.is_open() && (ready.client & kReadable) != 0 && has_ended(read_socket(client_.number(), up_))) {
    client_.reset();
  }
  bool broker_ended = wire_.write(up_).how == Moved::How::kFailed;
  if (!client_.is_open() && up_.empty() && !is_finished_) is_finished_ = wire_.finish();
  // Unread bytes would turn our closing into a reset, which can overtake the DISCONNECT that we just sent.
  down_.clear();
  if ((ready.broker & kReadable) != 0 || wire_.has_more())
    broker_ended = has_ended(wire_.read(down_)) || broker_ended;
  down_.clear();
  if (!broker_ended) return;
  leave_broker(passing);
  swallow(now);
}

void LinkConnection::swallow(Time now) {
  stage_ = Stage::kSwallowing;
  may_tell_ = may_tell_ || now >= tell_at_;
  if (client_.is_open()) {
    (void)write_socket(client_.number(), down_);
    if (may_tell_ && down_.empty() && !is_told_) {
      (void)::shutdown(client_.number(), SHUT_WR);
      is_told_ = true;
    }
    up_.clear();
    const bool ended = has_ended(read_socket(client_.number(), up_));
    up_.clear();
    if (!ended) return;
    client_.reset();
  }
  stage_ = Stage::kDone;
}

/// Not by the client.
void LinkConnection::end(End how, Time now, bool passing) {
  report_.fail(number_, std::move(how.why), how.is_by_broker);  // before the client can notice
  leave_broker(passing);
  tell_at_ = now + kTellLimit;
  may_tell_ = !request_.on_broker_end || request_.on_broker_end();
  swallow(now);
}

void LinkConnection::leave_broker(bool passing) {
  dialer_.reset();
  if (passing) {
    wire_.close();
  } else {
    parked_ = std::move(wire_);
  }
  report_.release(number_);
}

void LinkConnection::cut(Time now, bool passing) {
  if (stage_ == Stage::kSwallowing || stage_ == Stage::kDone) return;
  listener_.reset();
  leave_broker(passing);
  down_.clear();
  tell_at_ = now + kTellLimit;
  swallow(now);
}

void LinkConnection::tell_client(Time now) {
  if (stage_ != Stage::kSwallowing) return;
  may_tell_ = true;
  swallow(now);
}

}  // namespace outrider
