// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/tls_lab.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "agent/base/log.h"
#include "platform/linux/link.h"
#include "tests/support/mosquitto.h"
#include "tests/support/tcp_listener.h"

namespace outrider {
namespace {

bool is_openssl_there() {
  for (const char* path : {"/usr/bin/openssl", "/usr/local/bin/openssl"})
    if (::access(path, X_OK) == 0) return true;
  return false;
}

}  // namespace

bool TlsLab::is_possible() {
  if (!is_openssl_there()) MESSAGE("SKIPPED: openssl is not installed");
  if (!Mosquitto::is_installed()) MESSAGE("SKIPPED: mosquitto is not installed");
  return is_openssl_there() && Mosquitto::is_installed();
}

const TlsLab& TlsLab::get() {
  static const TlsLab lab;
  return lab;
}

TlsLab::TlsLab() {
  ChildProcess maker({"bash", OUTRIDER_TLS_CERTIFICATES, directory_.path()}, "/dev/null");
  if (maker.wait() != 0) throw std::runtime_error("tls_certificates.sh failed; run it by hand to see why");
}

TlsOptions TlsLab::options(const std::string& client) const {
  TlsOptions options;
  options.ca = file("ca.pem");
  if (!client.empty()) options.certificate = file(client + ".pem");
  if (!client.empty()) options.key = file(client + ".key");
  return options;
}

std::string TlsLab::mosquitto(const std::string& server, const std::string& more) const {
  return "cafile " + file("ca.pem") + "\ncertfile " + file(server + ".pem") + "\nkeyfile " +
         file(server + ".key") + "\n" + more;
}

OpensslServer::OpensslServer(const TlsLab& lab, const std::string& certificate,
                             const std::vector<std::string>& options) {
  for (int tries = 0; tries < 5; ++tries) {
    port_ = TcpListener().port();  // free at this moment; somebody may be faster
    std::vector<std::string> command{"openssl",
                                     "s_server",
                                     "-rev",
                                     "-accept",
                                     "127.0.0.1:" + std::to_string(port_),
                                     "-cert",
                                     lab.file(certificate + ".pem"),
                                     "-key",
                                     lab.file(certificate + ".key")};
    command.insert(command.end(), options.begin(), options.end());
    process_ = std::make_unique<ChildProcess>(std::move(command), lab.file("s_server.log"));
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!process_->has_ended() && std::chrono::steady_clock::now() < until) {
      if (connect_to(port_).is_open()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // there is nothing to wait for but the port
    }
  }
  throw std::runtime_error("openssl s_server does not come up with " + certificate);
}

LogLines::LogLines() {
  set_log_sink([this](LogLevel, std::string_view line) {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
  });
}

LogLines::~LogLines() { set_log_sink({}); }

std::string LogLines::last(std::string_view topic) {
  const std::lock_guard lock(mutex_);
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
    const std::size_t at = line->find(std::string(topic) + ": ");
    if (at != std::string::npos) return line->substr(at + topic.size() + 2);
  }
  return {};
}

std::string attempt(SecureClient& client, const Target& target, std::string_view first_bytes) {
  const BrokerAddress address{.host = target.host, .port = target.port, .is_secure = target.is_secure};
  std::unique_ptr<SecureChannel> channel;
  if (target.is_secure) {
    auto opened = client.open(address, target.options);
    if (!opened) return opened.error().text;
    channel = std::move(*opened);
  }
  Link link;
  const auto port =
      link.open({.address = address, .timeout = target.timeout, .on_broker_end = {}}, std::move(channel));
  REQUIRE(port);
  const Descriptor socket = connect_to(*port);
  (void)::send(socket.number(), first_bytes.data(), first_bytes.size(), MSG_NOSIGNAL);
  pollfd ready{socket.number(), POLLIN, 0};
  REQUIRE(::poll(&ready, 1, 40'000) == 1);
  std::array<char, 256> answer{};
  return ::recv(socket.number(), answer.data(), answer.size(), 0) > 0 ? "connected" : link.failure();
}

std::string_view mqtt_connect() {
  static constexpr std::string_view kPacket("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01t", 15);
  return kPacket;
}

}  // namespace outrider
