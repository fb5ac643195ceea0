// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/dialer.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include "agent/base/quantity.h"

namespace outrider {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  std::string text() const {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    (void)::getnameinfo(reinterpret_cast<const sockaddr*>(&storage), size, host.data(), host.size(),
                        port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
    return storage.ss_family == AF_INET6 ? "[" + std::string(host.data()) + "]:" + port.data()
                                         : std::string(host.data()) + ":" + port.data();
  }
};

struct NameLookup {
  explicit NameLookup(BrokerAddress asked) : address(std::move(asked)) {}

  const BrokerAddress address;
  const Descriptor answered{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex mutex;
  bool is_answered = false;            // guarded by mutex
  std::string failure;                 // guarded by mutex
  std::vector<SocketAddress> results;  // guarded by mutex
};

namespace {

/// How long sent bytes may stay unacknowledged before the kernel gives the connection up (TCP_USER_TIMEOUT, RFC 5482).
/// The kernel's own limit is about 15 minutes.
constexpr unsigned kUserTimeoutMs = 30'000;

void look_up(NameLookup& lookup, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(lookup.address.port);
  const int code = ::getaddrinfo(lookup.address.host.c_str(), port.c_str(), &hints, &found);
  const std::string why = code == EAI_SYSTEM ? std::system_category().message(errno) : ::gai_strerror(code);

  const std::lock_guard lock(lookup.mutex);
  for (const addrinfo* each = found; code == 0 && each != nullptr; each = each->ai_next) {
    SocketAddress& result = lookup.results.emplace_back();
    std::memcpy(&result.storage, each->ai_addr, each->ai_addrlen);
    result.size = each->ai_addrlen;
  }
  if (found != nullptr) ::freeaddrinfo(found);
  if (lookup.results.empty()) {
    lookup.failure =
        "the name \"" + lookup.address.host + "\" was not resolved: " + (code != 0 ? why : "no address");
  }
  lookup.is_answered = true;
  (void)::eventfd_write(lookup.answered.number(), 1);
}

std::string connect_failure(const SocketAddress& to, int error) {
  if (error == ECONNREFUSED) return to.text() + " refused the connection";
  return "cannot reach " + to.text() + ": " + std::system_category().message(error);
}

void set_option(int socket, int level, int option, unsigned value) {
  (void)::setsockopt(socket, level, option, &value, sizeof value);
}

/// 0: `socket` is connecting; else the error number.
int begin_connect(const SocketAddress& to, Descriptor& socket) {
  const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  socket = Descriptor(::socket(to.storage.ss_family, type, IPPROTO_TCP));
  if (!socket.is_open()) return errno;
  set_option(socket.number(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket.number(), IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
  if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0) return 0;
  return errno == EINPROGRESS ? 0 : errno;
}

}  // namespace

Dialer::Dialer(BrokerAddress address, Time deadline, milliseconds timeout,
               std::shared_ptr<NameLookup>& lookup)
    : address_(std::move(address)), deadline_(deadline), timeout_(timeout) {
  start_lookup(lookup);
}

Dialer::~Dialer() = default;

void Dialer::start_lookup(std::shared_ptr<NameLookup>& lookup) {
  auto numeric = std::make_shared<NameLookup>(address_);
  look_up(*numeric, AI_NUMERICHOST);
  if (numeric->failure.empty()) {
    lookup_ = std::move(numeric);
    return;
  }
  const auto still_runs = [this](NameLookup& other) {
    const std::lock_guard lock(other.mutex);
    return !other.is_answered && other.address.text() == address_.text();
  };
  if (!lookup || !still_runs(*lookup)) {
    lookup = std::make_shared<NameLookup>(address_);
    try {
      std::thread([shared = lookup]() noexcept { look_up(*shared, 0); }).detach();
    } catch (const std::system_error& error) {
      const std::lock_guard lock(lookup->mutex);
      lookup->failure = std::string("no thread to look the broker's name up: ") + error.what();
      lookup->is_answered = true;
      (void)::eventfd_write(lookup->answered.number(), 1);
    }
  }
  lookup_ = lookup;
}

int Dialer::descriptor() const { return lookup_ ? lookup_->answered.number() : socket_.number(); }

short Dialer::events() const { return lookup_ ? POLLIN : POLLOUT; }

Dialer::Time Dialer::wake_at() const { return lookup_ || !socket_.is_open() ? deadline_ : give_up_at_; }

bool Dialer::take_lookup() {
  const auto lookup = lookup_;
  const std::lock_guard lock(lookup->mutex);
  if (!lookup->is_answered) return false;
  candidates_ = lookup->results;
  failure_ = lookup->failure;
  lookup_.reset();
  return true;
}

Dialer::Progress Dialer::advance(Time now) {
  if (lookup_ && !take_lookup()) {
    if (now < deadline_) return Progress::kUnderWay;
    return fail("the name \"" + address_.host + "\" was not resolved within " + duration_text(timeout_));
  }
  return socket_.is_open() ? check_connect(now) : try_next(now);
}

Dialer::Progress Dialer::try_next(Time now) {
  while (next_ < candidates_.size()) {
    const SocketAddress& to = candidates_[next_++];
    const int error = begin_connect(to, socket_);
    if (error == 0) {
      const auto left = static_cast<long>(candidates_.size() - next_ + 1);
      give_up_at_ = now + (deadline_ - now) / left;
      return Progress::kUnderWay;
    }
    failure_ = connect_failure(to, error);
    socket_.reset();
  }
  return fail(failure_.empty() ? "no address to try" : std::move(failure_));
}

Dialer::Progress Dialer::check_connect(Time now) {
  pollfd ready{socket_.number(), POLLOUT, 0};
  const SocketAddress& to = candidates_[next_ - 1];
  if (::poll(&ready, 1, 0) <= 0) {
    if (now < give_up_at_) return Progress::kUnderWay;
    // The whole timeout, which people know, though of several addresses each waits only for its share of it.
    failure_ = "no answer from " + to.text() + " within " + duration_text(timeout_);
  } else {
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(socket_.number(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return Progress::kConnected;
    failure_ = connect_failure(to, error);
  }
  socket_.reset();
  return try_next(now);
}

LinkFailure Dialer::failure() const {
  return {failure_, candidates_.empty() ? LinkFault::kName : LinkFault::kNetwork};
}

Dialer::Progress Dialer::fail(std::string why) {
  socket_.reset();
  failure_ = std::move(why);
  return Progress::kFailed;
}

}  // namespace outrider
