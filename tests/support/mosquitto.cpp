// SPDX-License-Identifier: Apache-2.0
#include "tests/support/mosquitto.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "tests/support/tcp_listener.h"

namespace outrider {
namespace {

constexpr std::chrono::seconds kStartLimit{10};

std::string program() {
  for (const char* path : {"/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto"}) {
    if (::access(path, X_OK) == 0) return path;
  }
  return {};
}

}  // namespace

bool Mosquitto::is_installed() { return !program().empty(); }

Mosquitto::Mosquitto(const std::string& settings, const std::string& access_list)
    : settings_("allow_anonymous true\n" + settings) {
  if (!access_list.empty()) {
    write_file("acl", access_list);
    settings_ += "acl_file " + directory_.file("acl") + "\n";
  }
  for (int attempt = 0; attempt < 5 && process_ < 0; ++attempt) {
    port_ = TcpListener().port();  // free at this moment; somebody may be faster
    start();
  }
  if (process_ < 0) throw std::runtime_error("mosquitto does not come up with: " + settings_);
}

Mosquitto::~Mosquitto() { end(SIGKILL); }

void Mosquitto::write_file(const std::string& name, const std::string& text) const {
  std::ofstream(directory_.file(name)) << text;
}

void Mosquitto::start() {
  write_file("mosquitto.conf", "user root\nlistener " + std::to_string(port_) +
                                   " 127.0.0.1\nset_tcp_nodelay true\npersistence false\nlog_type none\n" +
                                   settings_);
  const std::string path = program();
  const std::string config = directory_.file("mosquitto.conf");
  const std::array<const char*, 4> arguments = {path.c_str(), "-c", config.c_str(), nullptr};
  process_ = ::fork();
  if (process_ == 0) {  // only async-signal-safe calls: the test has threads
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nowhere = ::open("/dev/null", O_RDWR);
    (void)::dup2(nowhere, STDOUT_FILENO);
    (void)::dup2(nowhere, STDERR_FILENO);
    ::execv(arguments[0], const_cast<char* const*>(arguments.data()));
    ::_exit(127);
  }
  if (!comes_up()) end(SIGKILL);
}

bool Mosquitto::comes_up() const {
  const auto until = std::chrono::steady_clock::now() + kStartLimit;
  while (std::chrono::steady_clock::now() < until) {
    siginfo_t info{};
    (void)::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT);
    if (info.si_pid == process_) return false;  // it did not like something
    if (connect_to(port_).is_open()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // there is nothing to wait for but the port
  }
  return false;
}

void Mosquitto::kill() { end(SIGKILL); }

void Mosquitto::terminate() { end(SIGTERM); }

void Mosquitto::pause() { (void)::kill(process_, SIGSTOP); }

void Mosquitto::resume() { (void)::kill(process_, SIGCONT); }

void Mosquitto::end(int signal) {
  if (process_ < 0) return;
  (void)::kill(process_, signal);
  (void)::waitpid(process_, nullptr, 0);
  process_ = -1;
}

}  // namespace outrider
