// SPDX-License-Identifier: Apache-2.0
// What a secure connection does once it can be made: resumes, takes up new files, carries everything, lets nobody in.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/bell.h"
#include "agent/secure/tls_client.h"
#include "platform/linux/link.h"
#include "platform/paho/paho_broker.h"
#include "platform/paho/paho_source.h"
#include "tests/contract/broker_events.h"
#include "tests/contract/tls_lab.h"
#include "tests/support/mosquitto.h"
#include "tests/support/raw_subscriber.h"
#include "tests/support/tcp_listener.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;
using Kind = BrokerEvent::Kind;

/// The number before " bytes" at the end of a line about a handshake.
int bytes_of(const std::string& line) {
  const std::size_t end = line.rfind(" bytes");
  REQUIRE_MESSAGE(end != std::string::npos, line);
  return std::stoi(line.substr(line.rfind(' ', end - 1) + 1));
}

/// Our own copies of a client's files, to be changed at will.
struct Files {
  explicit Files(const std::string& who) {
    options = TlsLab::get().options();
    options.ca = directory.file("ca.pem");
    options.certificate = directory.file("own.pem");
    options.key = directory.file("own.key");
    put("ca", "ca.pem");
    become(who);
  }
  void put(const std::string& from, const std::string& to) const {
    fs::copy_file(TlsLab::get().file(from + ".pem"), directory.file(to),
                  fs::copy_options::overwrite_existing);
  }
  void become(const std::string& who) const {
    put(who, "own.pem");
    fs::copy_file(TlsLab::get().file(who + ".key"), directory.file("own.key"),
                  fs::copy_options::overwrite_existing);
  }
  TemporaryDirectory directory;
  TlsOptions options;
};

std::string mutual() {
  return TlsLab::get().mosquitto("server",
                                 "require_certificate true\ncrlfile " + TlsLab::get().file("crl.pem") + "\n");
}

TEST_CASE("tls: a second connection resumes the session, and one with other files does not") {
  if (!TlsLab::is_possible()) return;
  const Mosquitto broker(mutual());
  const Files files("client");
  const auto client = make_tls_client();
  const Target target{.port = broker.port(), .options = files.options};
  LogLines log;
  const auto connect = [&] {
    CHECK(attempt(*client, target, mqtt_connect()) == "connected");
    return log.last("link.tls");
  };
  const std::string first = connect();
  const std::string second = connect();
  const std::string third = connect();
  std::printf("first:  %s\nsecond: %s\nthird:  %s\n", first.c_str(), second.c_str(), third.c_str());
  CHECK(first.find("full handshake") != std::string::npos);
  CHECK(second.find("session resumed") != std::string::npos);
  CHECK(third.find("session resumed") != std::string::npos);
  CHECK(bytes_of(second) * 4 < bytes_of(first) * 3);
  std::ofstream(files.options.ca, std::ios::app) << "# another CA file now\n";
  CHECK(connect().find("full handshake") != std::string::npos);
}

TEST_CASE("tls: a session is not offered to another broker, and a refused one is not offered again") {
  if (!TlsLab::is_possible()) return;
  const TlsLab& lab = TlsLab::get();
  const auto client = make_tls_client();
  LogLines log;
  std::uint16_t port = 0;
  const auto connect = [&](const OpensslServer& server) {
    port = server.port();
    CHECK(attempt(*client, {.port = port, .options = lab.options()}, "line\n") == "connected");
    return log.last("link.tls").find("session resumed") != std::string::npos;
  };
  {
    const OpensslServer one(lab, "server");
    CHECK_FALSE(connect(one));
    CHECK(connect(one));
    const OpensslServer other(lab, "server");
    CHECK_FALSE(connect(other));
    CHECK(connect(other));
  }
  // Its keys for tickets are gone with the server: whoever listens there now does not know the session.
  const Mosquitto broker(lab.mosquitto("server"));
  const Target target{.port = broker.port(), .options = lab.options()};
  CHECK(attempt(*client, target, mqtt_connect()) == "connected");
}

TEST_CASE(
    "tls: a server that has forgotten the session gets a full handshake, and the next one resumes again") {
  if (!TlsLab::is_possible()) return;
  Mosquitto broker(mutual());
  const Files files("client");
  const auto client = make_tls_client();
  LogLines log;
  std::string kinds;
  for (int i = 0; i < 4; ++i) {
    if (i == 1) {
      broker.kill();
      broker.start();  // with a new key for tickets
    }
    CHECK(attempt(*client, {.port = broker.port(), .options = files.options}, mqtt_connect()) == "connected");
    kinds += log.last("link.tls").find("resumed") == std::string::npos ? "full " : "resumed ";
  }
  CHECK(kinds == "full full full resumed ");  // what follows a refused session starts from nothing
}

TEST_CASE("tls: changed files are taken up by the next connection, bad ones are not") {
  if (!TlsLab::is_possible()) return;
  const Mosquitto broker(mutual());
  const Files files("client");
  const auto client = make_tls_client();
  LogLines log;
  const auto connect = [&] {
    return attempt(*client, {.port = broker.port(), .options = files.options}, mqtt_connect());
  };
  CHECK(connect() == "connected");
  std::ofstream(files.options.key) << "half a ke";
  CHECK(connect() == "connected");
  CHECK(log.last("link.files").find("what was read before stays in use") != std::string::npos);
  fs::remove(files.options.certificate);
  CHECK(connect() == "connected");
  files.become("client-revoked");
  CHECK(connect().find("it is revoked") != std::string::npos);
  files.become("client-rsa");
  CHECK(connect() == "connected");
  files.put("other-ca", "ca.pem");
  CHECK(connect().find("is tls.ca the CA of this broker?") != std::string::npos);
}

TEST_CASE("tls: neither another process nor another user gets into the tunnel, this process still does") {
  if (!TlsLab::is_possible()) return;
  const Mosquitto broker(mutual());
  const auto client = make_tls_client();
  const BrokerAddress address{.host = "localhost", .port = broker.port(), .is_secure = true};
  auto channel = client->open(address, TlsLab::get().options("client"));
  REQUIRE(channel);
  LogLines log;
  Link link;
  const auto port = link.open({.address = address, .on_broker_end = {}}, std::move(*channel));
  REQUIRE(port);
  for (const uid_t user : {::geteuid(), uid_t{65534}}) {
    const pid_t stranger = ::fork();
    if (stranger == 0) {  // only async-signal-safe calls: the link has a thread
      (void)::setuid(user);
      const Descriptor socket = connect_to(*port);
      (void)::send(socket.number(), mqtt_connect().data(), mqtt_connect().size(), MSG_NOSIGNAL);
      char byte = 0;
      const ssize_t count = socket.is_open() ? ::read(socket.number(), &byte, 1) : 0;
      ::_exit(count > 0 ? 1 : 0);
    }
    int status = -1;
    CHECK(::waitpid(stranger, &status, 0) == stranger);
    CHECK(status == 0);
  }
  CHECK(log.last("link.peer").find("another process") != std::string::npos);
  const Descriptor own = connect_to(*port);
  REQUIRE(::send(own.number(), mqtt_connect().data(), mqtt_connect().size(), MSG_NOSIGNAL) > 0);
  std::array<char, 4> answer{};
  CHECK(::recv(own.number(), answer.data(), answer.size(), MSG_WAITALL) == 4);
  CHECK(answer[0] == 0x20);
}

struct SecureBroker {
  Bell bell;
  PahoBroker broker{bell, make_tls_client()};
  BrokerEvents events{broker, bell};
};

TEST_CASE("tls: messages of all sizes arrive complete and in order, through a tunnel, too") {
  if (!TlsLab::is_possible()) return;
  const std::uint16_t plain = TcpListener().port();
  const Mosquitto broker(mutual() + "max_queued_messages 0\nlistener " + std::to_string(plain) +
                         " 127.0.0.1\n");
  while (!connect_to(plain).is_open())  // its second listener comes after the first
    std::this_thread::sleep_for(milliseconds(5));
  RawSubscriber subscriber(plain, "contract/#");
  SecureBroker ours;
  ConnectRequest request = request_to({.host = "localhost", .port = broker.port(), .is_secure = true});
  request.tls = TlsLab::get().options("client");
  REQUIRE(ours.broker.connect(request));
  const auto connected = ours.events.next();
  REQUIRE(connected);
  REQUIRE_MESSAGE(connected->kind == Kind::kConnected, connected->text);
  constexpr std::uint64_t kMessages = 120;
  std::vector<std::string> sent;
  std::size_t acknowledged = 0;
  for (std::uint64_t i = 1; i <= kMessages; ++i) {
    sent.push_back(std::string(i * i * 37 % 90'000, static_cast<char>('a' + i % 26)) + std::to_string(i));
    if (i == kMessages / 2) ours.broker.set_passing(false);
    if (i == kMessages / 2 + 3) ours.broker.set_passing(true);
    while (!ours.broker.publish(publication(i, sent.back()))) {
      ours.broker.set_passing(true);  // the window is full
      REQUIRE(ours.events.acknowledged(1).size() == 1);
      ++acknowledged;
    }
  }
  CHECK(ours.events.acknowledged(kMessages - acknowledged).size() == kMessages - acknowledged);
  for (const std::string& payload : sent) {
    const auto arrived = subscriber.next();
    REQUIRE(arrived);
    CHECK(arrived->payload == payload);
  }
  ours.broker.disconnect(true);
}

std::string noise(std::size_t count) {
  std::mt19937 random(7);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

/// MQTT 3.1.1 PUBLISH with QoS 0 to "contract/data".
std::string publish_packet(const std::string& payload) {
  const std::string body = std::string("\x00\x0d", 2) + "contract/data" + payload;
  std::string packet = "\x30";
  for (std::size_t rest = body.size(); rest > 0; rest /= 128)
    packet += static_cast<char>(rest % 128 + (rest >= 128 ? 128 : 0));
  return packet + body;
}

TEST_CASE(
    "tls: a message of many records arrives byte for byte, though the broker takes nothing for a while") {
  if (!TlsLab::is_possible()) return;
  Mosquitto broker(mutual());
  const BrokerAddress address{.host = "localhost", .port = broker.port(), .is_secure = true};
  const TlsOptions options = TlsLab::get().options("client");
  SubscribeRequest subscription;
  subscription.address = address;
  subscription.tls = options;
  subscription.topic_filter = "contract/#";
  PahoSource source(subscription, make_tls_client());
  std::vector<ReceivedMessage> messages;
  while (!source.is_subscribed()) REQUIRE(source.receive(messages, milliseconds(100)));

  const auto client = make_tls_client();
  auto channel = client->open(address, options);
  REQUIRE(channel);
  Link link;
  const auto port = link.open({.address = address, .on_broker_end = {}}, std::move(*channel));
  REQUIRE(port);
  const Descriptor socket = connect_to(*port);
  std::array<char, 4> answer{};
  REQUIRE(::send(socket.number(), mqtt_connect().data(), mqtt_connect().size(), MSG_NOSIGNAL) > 0);
  REQUIRE(::recv(socket.number(), answer.data(), answer.size(), MSG_WAITALL) == 4);

  // More than all the queues and socket buffers on the way hold: records get stuck half-way.
  const std::string payload = noise(16'000'000);
  const std::string packet = publish_packet(payload);
  broker.pause();
  std::size_t sent = 0;
  const auto send_until = [&](std::size_t end, int flags) {
    while (sent < end) {
      const ssize_t count = ::send(socket.number(), packet.data() + sent, end - sent, MSG_NOSIGNAL | flags);
      if (count < 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  };
  pollfd writable{socket.number(), POLLOUT, 0};
  while (::poll(&writable, 1, 300) == 1 && !send_until(packet.size(), MSG_DONTWAIT)) continue;
  CHECK(sent < packet.size());
  broker.resume();
  CHECK(send_until(packet.size(), 0));
  while (messages.empty()) REQUIRE(source.receive(messages, seconds(20)));
  CHECK(messages[0].payload == payload);
}

TEST_CASE("tls: a refused connection says what kind of failure it was") {
  if (!TlsLab::is_possible()) return;
  const Mosquitto broker(mutual());
  const auto fault_with = [&broker](const TlsOptions& options) {
    SecureBroker ours;
    ConnectRequest request = request_to({.host = "localhost", .port = broker.port(), .is_secure = true});
    request.tls = options;
    REQUIRE(ours.broker.connect(request));
    const auto refused = ours.events.next(Kind::kRefused);
    REQUIRE(refused);
    CHECK(refused->text.find("connection to localhost:" + std::to_string(broker.port()) + ": ") !=
          std::string::npos);
    return refused->fault;
  };
  const TlsLab& lab = TlsLab::get();
  TlsOptions wrong_ca = lab.options("client");
  wrong_ca.ca = lab.file("other-ca.pem");
  CHECK(fault_with(wrong_ca) == LinkFault::kServerCertificate);
  CHECK(fault_with(lab.options()) == LinkFault::kOwnCertificate);
  TlsOptions no_file = lab.options("client");
  no_file.key = lab.file("missing");
  CHECK(fault_with(no_file) == LinkFault::kOwnCertificate);
}

}  // namespace
}  // namespace outrider
