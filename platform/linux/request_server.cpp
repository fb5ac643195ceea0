// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/request_server.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "agent/base/ensure.h"
#include "agent/base/log.h"
#include "agent/base/quantity.h"

namespace outrider {
namespace {

/// A listener that cannot be accepted from (no descriptors left) stays readable: without a pause that is a busy loop.
constexpr std::chrono::seconds kAcceptPause{1};

int poll_timeout_ms(Conversation::Time wake_at, Conversation::Time now) {
  if (wake_at == Conversation::Time::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(wake_at - now);
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

}  // namespace

RequestServer::RequestServer(std::string path, Bell& bell, RequestServerLimits limits)
    : path_(std::move(path)), limits_(limits), bell_(bell), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  ENSURE(wake_.is_open());
  try_to_listen(std::chrono::steady_clock::now());
  thread_ = std::thread([this] { run(); });
}

RequestServer::~RequestServer() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  (void)::eventfd_write(wake_.number(), 1);
  thread_.join();
}

void RequestServer::take_requests(std::vector<Request>& requests) {
  const std::lock_guard lock(mutex_);
  std::move(requests_.begin(), requests_.end(), std::back_inserter(requests));
  requests_.clear();
}

void RequestServer::reply(std::uint64_t id, std::string lines) {
  {
    const std::lock_guard lock(mutex_);
    replies_.push_back({id, std::move(lines)});
  }
  (void)::eventfd_write(wake_.number(), 1);
}

// NOLINTNEXTLINE(bugprone-exception-escape): an exception here is a bug, and noexcept ends the process
void RequestServer::run() noexcept {
  while (follow_orders()) {
    wait_for_work();
    work();
  }
}

bool RequestServer::follow_orders() {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return false;
    answers_.swap(replies_);
  }
  const Time now = std::chrono::steady_clock::now();
  for (Reply& reply : answers_) {
    const auto client = std::find_if(clients_.begin(), clients_.end(),
                                     [&](const Conversation& each) { return each.id() == reply.id; });
    if (client != clients_.end()) client->answer(std::move(reply.lines), now);
  }
  answers_.clear();
  clients_.remove_if([](const Conversation& client) { return client.is_over(); });
  return true;
}

void RequestServer::wait_for_work() {
  const Time now = std::chrono::steady_clock::now();
  polls_.clear();
  polls_.push_back({wake_.number(), POLLIN, 0});
  // A negative descriptor is passed over.
  polls_.push_back({accepts(now) ? listener_.descriptor() : -1, POLLIN, 0});
  for (const Conversation& client : clients_) polls_.push_back({client.descriptor(), client.events(), 0});
  if (::poll(polls_.data(), polls_.size(), poll_timeout_ms(wake_at(now), now)) < 0)
    for (pollfd& each : polls_) each.revents = 0;  // interrupted
  eventfd_t rings = 0;
  if (polls_[0].revents != 0) (void)::eventfd_read(wake_.number(), &rings);
}

bool RequestServer::accepts(Time now) const {
  return listener_.is_open() && clients_.size() < limits_.most_clients && now >= next_try_;
}

RequestServer::Time RequestServer::wake_at(Time now) const {
  Time earliest = listener_.is_open() ? next_look_ : next_try_;
  if (next_try_ > now) earliest = std::min(earliest, next_try_);
  for (const Conversation& client : clients_) earliest = std::min(earliest, client.wake_at());
  return earliest;
}

void RequestServer::work() {
  const Time now = std::chrono::steady_clock::now();
  advance_clients(now);  // first: new clients were not polled
  if (polls_[1].revents != 0) accept_clients(now);
  if (listener_.is_open() && now >= next_look_) look_for_file(now);
  if (!listener_.is_open() && now >= next_try_) try_to_listen(now);
}

void RequestServer::look_for_file(Time now) {
  next_look_ = now + limits_.look_after;
  if (listener_.is_in_place()) return;
  log_warning("status.socket", path_ + " was removed or replaced; it is made again");
  listener_.close();
  next_try_ = now;
}

void RequestServer::advance_clients(Time now) {
  std::size_t at = 2;
  for (Conversation& client : clients_)
    if (auto request = client.advance(polls_[at++].revents, now)) hand_over(client.id(), std::move(*request));
  clients_.remove_if([](const Conversation& client) { return client.is_over(); });
}

void RequestServer::hand_over(std::uint64_t id, std::string request) {
  {
    const std::lock_guard lock(mutex_);
    // While the loop waits for its disk, clients may come and go: only those that are here are kept waiting for it.
    std::erase_if(requests_, [this](const Request& waiting) {
      return std::none_of(clients_.begin(), clients_.end(),
                          [&](const Conversation& client) { return client.id() == waiting.id; });
    });
    requests_.push_back({.id = id, .text = std::move(request)});
  }
  bell_.ring();
}

void RequestServer::accept_clients(Time now) {
  while (clients_.size() < limits_.most_clients) {
    Descriptor socket = listener_.accept();
    if (!socket.is_open()) {
      const bool is_nothing_wrong = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
      if (!is_nothing_wrong) next_try_ = now + kAcceptPause;
      return;
    }
    clients_.emplace_back(next_id_++, std::move(socket), limits_.most_request_bytes, limits_.patience, now);
  }
}

void RequestServer::try_to_listen(Time now) {
  Result<LocalListener> listener = LocalListener::open(path_);
  if (listener) {
    listener_ = std::move(*listener);
    next_look_ = now + limits_.look_after;
    return;
  }
  next_try_ = now + limits_.retry_after;
  log_warning("status.socket", listener.error().text +
                                   "; \"outrider status\" has no answer until then; next try in " +
                                   duration_text(limits_.retry_after));
}

}  // namespace outrider
