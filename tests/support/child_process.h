// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

namespace outrider {

/// A program that runs beside a test and is killed with this object, or with the test process however that ends.
/// Its output goes to a file.
class ChildProcess {
 public:
  /// `command` is looked up in PATH. Throws std::runtime_error when the system has no process to spare.
  ChildProcess(std::vector<std::string> command, const std::string& output) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("no process for " + command.front());
    if (process_ == 0) {  // only async-signal-safe calls: the test may have threads
      (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
      (void)::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
      const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      (void)::dup2(file, STDOUT_FILENO);
      (void)::dup2(file, STDERR_FILENO);
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
  }
  ~ChildProcess() {
    if (process_ <= 0) return;
    (void)::kill(process_, SIGKILL);
    (void)::waitpid(process_, nullptr, 0);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// The exit code, when it ends by itself.
  int wait() {
    int status = 0;
    (void)::waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  bool has_ended() const {
    siginfo_t info{};
    (void)::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == process_;
  }

 private:
  pid_t process_ = -1;
};

}  // namespace outrider
