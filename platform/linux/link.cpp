// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/link.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace outrider {
namespace {

constexpr int kBacklog = 8;  // strangers are turned away in turn; Paho must not starve behind them

Error no_listener() {
  return retry("no loopback socket for the link to the broker: " + std::system_category().message(errno));
}

Result<Descriptor> listen_on_loopback() {
  Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in any_port{};
  any_port.sin_family = AF_INET;
  any_port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!listener.is_open() ||
      ::bind(listener.number(), reinterpret_cast<const sockaddr*>(&any_port), sizeof any_port) != 0 ||
      ::listen(listener.number(), kBacklog) != 0) {
    return no_listener();
  }
  return listener;
}

Result<std::uint16_t> port_of(const Descriptor& listener) {
  sockaddr_in name{};
  socklen_t size = sizeof name;
  if (::getsockname(listener.number(), reinterpret_cast<sockaddr*>(&name), &size) != 0) return no_listener();
  return ntohs(name.sin_port);
}

int poll_timeout_ms(LinkConnection::Time wake_at) {
  if (wake_at == LinkConnection::Time::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(wake_at - std::chrono::steady_clock::now());
  return left.count() < 0 ? 0 : static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000));
}

}  // namespace

Link::Link() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] { run(); }) {
  ENSURE(wake_.is_open());
}

Link::~Link() {
  {
    const std::lock_guard lock(mutex_);
    orders_.stop = true;
  }
  (void)::eventfd_write(wake_.number(), 1);
  thread_.join();
}

Result<std::uint16_t> Link::open(const LinkRequest& request, std::unique_ptr<SecureChannel> channel) {
  Result<Descriptor> listener = listen_on_loopback();
  if (!listener) return listener.error();
  Result<std::uint16_t> port = port_of(*listener);
  if (!port) return port;
  auto connection = std::make_unique<LinkConnection>(report_.begin(), std::move(*listener), request,
                                                     std::move(channel), report_, lookup_);
  order([&connection](Orders& orders) {
    orders.cut = true;
    orders.opened = std::move(connection);
  });
  return port;
}

void Link::cut() {
  order([](Orders& orders) {
    orders.cut = true;
    orders.opened.reset();
  });
}

void Link::tell_client() {
  const std::lock_guard lock(mutex_);
  orders_.tell = true;
  (void)::eventfd_write(wake_.number(), 1);
}

void Link::set_passing(bool passing) {
  order([passing](Orders& orders) { orders.passing = passing; });
}

/// Waits until the thread has carried it out: it never blocks for long.
template <class Change>
void Link::order(Change change) {
  std::unique_lock lock(mutex_);
  change(orders_);
  const std::uint64_t mine = ++ordered_;
  (void)::eventfd_write(wake_.number(), 1);
  followed_.wait(lock, [this, mine] { return carried_out_ >= mine; });
}

void Link::run() noexcept {
  while (follow_orders()) {
    wait_for_work();
    advance_all();
  }
}

bool Link::follow_orders() {
  const std::lock_guard lock(mutex_);
  if (orders_.stop) return false;
  passing_ = orders_.passing;
  const bool cut = std::exchange(orders_.cut, false);
  const bool tell = std::exchange(orders_.tell, false);
  const auto now = std::chrono::steady_clock::now();
  for (const auto& connection : connections_) {
    if (cut) connection->cut(now, passing_);
    if (tell) connection->tell_client(now);
  }
  if (orders_.opened) connections_.push_back(std::move(orders_.opened));
  carried_out_ = ordered_;
  followed_.notify_all();
  return true;
}

void Link::wait_for_work() {
  polls_.clear();
  polls_.push_back({wake_.number(), POLLIN, 0});
  auto wake_at = LinkConnection::Time::max();
  for (const auto& connection : connections_) {
    connection->add_interest(polls_, passing_);
    wake_at = std::min(wake_at, connection->wake_at(passing_));
  }
  if (::poll(polls_.data(), polls_.size(), poll_timeout_ms(wake_at)) < 0) {
    for (pollfd& each : polls_) each.revents = 0;  // interrupted
  }
  eventfd_t rings = 0;
  if (polls_.front().revents != 0) (void)::eventfd_read(wake_.number(), &rings);
}

void Link::advance_all() {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& connection : connections_) connection->advance(polls_, now, passing_);
  std::erase_if(connections_, [](const auto& connection) { return connection->is_done(); });
}

}  // namespace outrider
