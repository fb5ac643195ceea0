// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "agent/ports/secure_channel.h"
#include "platform/linux/descriptor.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace outrider {

/// A folder of certificates, made once for all tests of a process; see tests/support/tls_certificates.sh.
class TlsLab {
 public:
  /// Throws std::runtime_error when they cannot be made.
  static const TlsLab& get();
  /// openssl and mosquitto are there; says SKIPPED when not.
  static bool is_possible();

  std::string file(const std::string& name) const { return directory_.file(name); }
  const TemporaryDirectory& directory() const { return directory_; }
  /// Trusts "ca"; with the certificate and key of that name.
  TlsOptions options(const std::string& client = {}) const;
  /// Lines of mosquitto.conf for a listener with TLS.
  std::string mosquitto(const std::string& server, const std::string& more = {}) const;

 private:
  TlsLab();
  TemporaryDirectory directory_;
};

/// `openssl s_server` on a free port of 127.0.0.1: sends back each line reversed.
class OpensslServer {
 public:
  OpensslServer(const TlsLab& lab, const std::string& certificate,
                const std::vector<std::string>& options = {});
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_ = 0;
  std::unique_ptr<ChildProcess> process_;
};

/// What the link said in the log while this object lived, a line each: "link.tls: …".
class LogLines {
 public:
  LogLines();
  ~LogLines();
  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;
  /// The newest line of this topic, without it; empty when there is none.
  std::string last(std::string_view topic);

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;  // guarded by mutex_
};

/// Where and how a client connects.
struct Target {
  std::string host = "localhost";
  std::uint16_t port = 0;
  bool is_secure = true;
  TlsOptions options = {};
  milliseconds timeout{20'000};
};

/// What a user sees of one attempt: "connected", or why not.
std::string attempt(SecureClient& client, const Target& target, std::string_view first_bytes);

/// MQTT 3.1.1 CONNECT with the client id "t"; a broker answers with CONNACK.
std::string_view mqtt_connect();

}  // namespace outrider
