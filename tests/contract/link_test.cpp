// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/link.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "tests/support/tcp_listener.h"

namespace outrider {
namespace {

LinkRequest request_to(std::uint16_t port, milliseconds timeout = milliseconds(10'000)) {
  return {.address = {.host = "127.0.0.1", .port = port, .is_secure = false},
          .timeout = timeout,
          .on_broker_end = {}};
}

/// Everything up to the end of file; nullopt when the connection was reset or stays silent.
std::optional<std::string> read_to_end(const Descriptor& socket) {
  std::string all;
  std::array<char, 64 << 10> piece{};
  while (true) {
    pollfd ready{socket.number(), POLLIN, 0};
    if (::poll(&ready, 1, 20'000) <= 0) return std::nullopt;
    const ssize_t count = ::recv(socket.number(), piece.data(), piece.size(), 0);
    if (count < 0) return std::nullopt;
    if (count == 0) return all;
    all.append(piece.data(), static_cast<std::size_t>(count));
  }
}

std::string read_some(const Descriptor& socket, std::size_t count) {
  std::string bytes(count, '\0');
  const ssize_t got = ::recv(socket.number(), bytes.data(), count, MSG_WAITALL);
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return bytes;
}

bool is_silent(const Descriptor& socket, int for_ms) {
  pollfd ready{socket.number(), POLLIN, 0};
  return ::poll(&ready, 1, for_ms) == 0;
}

bool write_all(const Descriptor& socket, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::send(socket.number(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

std::string noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

/// A client connected through a link to a server: the three ends of a test.
struct Joined {
  Joined() {
    const auto port = link.open(request_to(listener.port()));
    REQUIRE(port);
    client = connect_to(*port);
    server = listener.accept();
    REQUIRE(client.is_open());
    REQUIRE(server.is_open());
    // The server's accept does not tell that the link has noticed its own connect; a byte that came through does.
    REQUIRE(write_all(client, "."));
    REQUIRE(read_some(server, 1) == ".");
  }
  TcpListener listener;
  Link link;
  Descriptor client;
  Descriptor server;
};

/// Why an attempt fails, seen from a client that waits for the end.
std::string failure_of(const LinkRequest& request) {
  Link link;
  const auto port = link.open(request);
  REQUIRE(port);
  const Descriptor client = connect_to(*port);
  CHECK(write_all(client, "CONNECT"));
  CHECK(read_to_end(client) == "");
  return link.failure();
}

TEST_CASE("link: relays large transfers both ways byte for byte") {
  Joined ends;
  const std::string up = noise(12'000'000, 1);
  const std::string down = noise(9'000'000, 2);
  std::optional<std::string> arrived_up;
  std::thread server_reads([&] { arrived_up = read_to_end(ends.server); });
  std::thread server_writes([&] { CHECK(write_all(ends.server, down)); });
  std::thread client_writes([&] { CHECK(write_all(ends.client, up)); });
  CHECK(read_some(ends.client, down.size()) == down);
  client_writes.join();
  server_writes.join();
  ends.client.reset();
  server_reads.join();
  CHECK(arrived_up == up);
  CHECK(ends.link.failure().empty());
}

TEST_CASE("link: another process does not get in, this one still does") {
  const TcpListener listener;
  Link link;
  const auto port = link.open(request_to(listener.port()));
  REQUIRE(port);
  std::string logged;
  set_log_sink([&logged](LogLevel, std::string_view line) { logged += line; });
  const pid_t stranger = ::fork();
  if (stranger == 0) {  // only async-signal-safe calls: the link has a thread
    const Descriptor socket = connect_to(*port);
    char byte = 0;
    const ssize_t count = socket.is_open() ? ::read(socket.number(), &byte, 1) : 0;
    ::_exit(count > 0 ? 1 : 0);
  }
  int status = -1;
  CHECK(::waitpid(stranger, &status, 0) == stranger);
  set_log_sink({});
  CHECK(status == 0);
  CHECK(logged.find("another process") != std::string::npos);

  const Descriptor client = connect_to(*port);
  CHECK(write_all(client, "hello"));
  CHECK(read_some(listener.accept(), 5) == "hello");
}

TEST_CASE("link: what the broker said before it closed arrives, then end of file, and no reset") {
  Joined ends;
  CHECK(write_all(ends.server, "last words"));
  ends.server.reset();
  CHECK(read_to_end(ends.client) == "last words");
  CHECK(ends.link.failure() == "the broker closed the connection");
  for (int i = 0; i < 100; ++i)
    CHECK(write_all(ends.client, std::string(50'000, 'x')));  // swallowed, never refused
}

TEST_CASE("link: a reset by the broker reaches the client as end of file") {
  Joined ends;
  CHECK(write_all(ends.client, "unread"));
  CHECK(write_all(ends.server, "answer"));
  CHECK(read_some(ends.client, 6) == "answer");
  const linger at_once{1, 0};
  REQUIRE(::setsockopt(ends.server.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  ends.server.reset();
  CHECK(read_to_end(ends.client) == "");
  CHECK(ends.link.failure() == "the broker reset the connection");
  CHECK(write_all(ends.client, std::string(500'000, 'x')));
}

TEST_CASE("link: what the client sent before it closed is delivered") {
  Joined ends;
  const std::string bytes = noise(400'000, 3);
  CHECK(write_all(ends.client, bytes));
  ends.client.reset();
  CHECK(read_to_end(ends.server) == bytes);
  ends.server.reset();
  CHECK(ends.link.wait_released(milliseconds(10'000)));
}

TEST_CASE("link: a broker that does not close is given up soon after the client has") {
  Joined ends;
  CHECK(write_all(ends.client, "hello"));
  CHECK(read_some(ends.server, 5) == "hello");
  CHECK(write_all(ends.client, std::string(100'000, 'x')));
  ends.client.reset();
  CHECK(ends.link.wait_released(milliseconds(30'000)));
}

TEST_CASE("link: the client learns of the broker's end when it is told to") {
  const TcpListener listener;
  Link link;
  std::atomic<int> ends{0};
  LinkRequest request = request_to(listener.port());
  request.on_broker_end = [&ends] { return ++ends > 1; };
  const auto port = link.open(request);
  REQUIRE(port);
  const Descriptor client = connect_to(*port);
  listener.accept().reset();
  CHECK(link.wait_released(milliseconds(10'000)));
  CHECK(is_silent(client, 100));
  link.tell_client();
  CHECK(read_to_end(client) == "");
  CHECK(ends == 1);
}

TEST_CASE("link: a cut lets nothing more through, and ends both sides") {
  Joined ends;
  CHECK(write_all(ends.client, "before"));
  CHECK(read_some(ends.server, 6) == "before");
  ends.link.cut();
  ends.link.tell_client();
  CHECK(write_all(ends.client, "after"));
  CHECK(read_to_end(ends.server) == "");
  CHECK(read_to_end(ends.client) == "");
  CHECK(ends.link.wait_released(milliseconds(0)));
}

TEST_CASE("link: a new connection drops the earlier one") {
  Joined ends;
  const TcpListener other;
  const auto port = ends.link.open(request_to(other.port()));
  REQUIRE(port);
  ends.link.tell_client();
  CHECK(read_to_end(ends.server) == "");
  CHECK(read_to_end(ends.client) == "");
  const Descriptor client = connect_to(*port);
  CHECK(write_all(client, "hello"));
  CHECK(read_some(other.accept(), 5) == "hello");
}

TEST_CASE("link: inside a tunnel nothing passes, after it everything does") {
  Joined ends;
  ends.link.set_passing(false);
  CHECK(write_all(ends.client, "up"));
  CHECK(write_all(ends.server, "down"));
  CHECK(is_silent(ends.server, 150));
  CHECK(is_silent(ends.client, 50));
  ends.link.set_passing(true);
  CHECK(read_some(ends.server, 2) == "up");
  CHECK(read_some(ends.client, 4) == "down");
}

TEST_CASE("link: a connection that ends inside a tunnel stays open for the broker until the tunnel does") {
  Joined ends;
  ends.link.set_passing(false);
  ends.link.cut();
  ends.link.tell_client();
  CHECK(read_to_end(ends.client) == "");
  CHECK(is_silent(ends.server, 150));
  ends.link.set_passing(true);
  CHECK(read_to_end(ends.server) == "");
}

TEST_CASE("link: an attempt inside a tunnel waits for its end") {
  const TcpListener listener;
  Link link;
  link.set_passing(false);
  const auto port = link.open(request_to(listener.port()));
  REQUIRE(port);
  const Descriptor client = connect_to(*port);
  CHECK(write_all(client, "hello"));
  CHECK_FALSE(listener.accept(150).is_open());
  link.set_passing(true);
  CHECK(read_some(listener.accept(), 5) == "hello");
}

TEST_CASE("link: failed attempts say why") {
  const milliseconds shortly{200};
  CHECK(failure_of(request_to(1)) == "127.0.0.1:1 refused the connection");

  LinkRequest unknown = request_to(1883);
  unknown.address.host = "no-such-host.invalid";
  CHECK(failure_of(unknown).find("the name \"no-such-host.invalid\" was not resolved") == 0);

  const TcpListener silent;
  CHECK(failure_of(request_to(silent.port(), shortly))
            .find("took the connection but said nothing within " + duration_text(shortly)) !=
        std::string::npos);

  Link link;
  link.set_passing(false);
  const auto port = link.open(request_to(silent.port(), shortly));
  REQUIRE(port);
  CHECK(read_to_end(connect_to(*port)) == "");
  CHECK(link.failure().find("no answer from 127.0.0.1:") == 0);
}

TEST_CASE("link: a black hole is given up at the timeout") {
  // A listener whose queue is full: Linux drops the next handshake instead of refusing it.
  const milliseconds limit{400};
  const TcpListener full;
  std::vector<Descriptor> queued;
  for (int i = 0; i < 16; ++i) {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(full.port());
    (void)::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    queued.push_back(std::move(socket));
  }
  const std::string failure = failure_of(request_to(full.port(), limit));
  CHECK(failure ==
        "no answer from 127.0.0.1:" + std::to_string(full.port()) + " within " + duration_text(limit));
}

TEST_CASE("link: a name is looked up and all its addresses are tried") {
  const TcpListener listener;  // IPv4 only; "localhost" is often ::1 first
  Link link;
  LinkRequest request = request_to(listener.port());
  request.address.host = "localhost";
  const auto port = link.open(request);
  REQUIRE(port);
  const Descriptor client = connect_to(*port);
  CHECK(write_all(client, "hello"));
  CHECK(read_some(listener.accept(), 5) == "hello");
}

TEST_CASE("link: connections leave no descriptor behind") {
  const auto open_descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  const TcpListener listener;
  Link link;
  const auto before = open_descriptors();
  for (int i = 0; i < 100; ++i) {
    const auto port = link.open(request_to(listener.port()));
    REQUIRE(port);
    const Descriptor client = connect_to(*port);
    const Descriptor server = listener.accept();
    CHECK(write_all(client, "x"));
    CHECK(read_some(server, 1) == "x");
    link.cut();
    link.tell_client();
    CHECK(read_to_end(client) == "");
  }
  link.cut();
  CHECK(open_descriptors() <= before + 2);  // the last one may still be closing
}

}  // namespace
}  // namespace outrider
