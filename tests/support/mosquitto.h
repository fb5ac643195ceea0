// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "agent/ports/broker.h"
#include "tests/support/temporary_directory.h"

namespace outrider {

/// A private mosquitto on a free loopback port, with a directory of its own; both end with the object, and mosquitto
/// also with the test process. Anonymous clients may do everything, unless an access list (mosquitto's acl_file) says
/// otherwise; `settings` are further lines of mosquitto.conf.
class Mosquitto {
 public:
  static bool is_installed();

  /// Throws std::runtime_error when it does not come up.
  explicit Mosquitto(const std::string& settings = {}, const std::string& access_list = {});
  ~Mosquitto();
  Mosquitto(const Mosquitto&) = delete;
  Mosquitto& operator=(const Mosquitto&) = delete;

  /// After `kill` or `terminate`, on the same port. Returns when it answers.
  void start();
  void kill();       ///< SIGKILL.
  void terminate();  ///< SIGTERM: it says goodbye to its clients.
  void pause();      ///< SIGSTOP: it keeps its connections and does nothing.
  void resume();

  std::uint16_t port() const { return port_; }
  BrokerAddress address() const { return {.host = "127.0.0.1", .port = port_, .is_secure = false}; }

 private:
  void end(int signal);
  bool comes_up() const;
  void write_file(const std::string& name, const std::string& text) const;

  TemporaryDirectory directory_;
  std::string settings_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
};

}  // namespace outrider
