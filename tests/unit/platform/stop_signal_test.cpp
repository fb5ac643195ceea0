// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/stop_signal.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace outrider {
namespace {

/// Waits until the flag is up: the bell rings at least once for it.
void wait_for_stop(const StopSignal& signal, Bell& bell) {
  while (!signal.flag()) bell.wait(std::chrono::seconds(1));
}

}  // namespace

TEST_CASE("stop signal: SIGTERM raises the flag and rings the bell, several times if need be") {
  Bell bell;
  const StopSignal signal(bell);
  CHECK_FALSE(signal.flag());
  REQUIRE(::kill(::getpid(), SIGTERM) == 0);
  wait_for_stop(signal, bell);
  CHECK(signal.flag());
  REQUIRE(::kill(::getpid(), SIGTERM) == 0);
  CHECK(signal.flag());
}

TEST_CASE("stop signal: SIGINT raises the flag") {
  Bell bell;
  const StopSignal signal(bell);
  REQUIRE(::kill(::getpid(), SIGINT) == 0);
  wait_for_stop(signal, bell);
  CHECK(signal.flag());
}

TEST_CASE("stop signal: the mask of the thread is put back") {
  sigset_t before;
  sigset_t after;
  REQUIRE(::pthread_sigmask(SIG_BLOCK, nullptr, &before) == 0);
  {
    Bell bell;
    const StopSignal signal(bell);
  }
  REQUIRE(::pthread_sigmask(SIG_BLOCK, nullptr, &after) == 0);
  CHECK(::sigismember(&before, SIGINT) == ::sigismember(&after, SIGINT));
  CHECK(::sigismember(&before, SIGTERM) == ::sigismember(&after, SIGTERM));
}

TEST_CASE("stop signal: a second SIGINT ends the process at once") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    Bell bell;
    const StopSignal signal(bell);
    ::kill(::getpid(), SIGINT);
    while (!signal.flag()) bell.wait(std::chrono::seconds(1));
    ::kill(::getpid(), SIGINT);
    ::alarm(60);  // if the promise is broken, the test still ends
    while (true) ::pause();
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
}

TEST_CASE("is_terminal: a pipe is none") {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  CHECK_FALSE(is_terminal(pipe[0]));
  ::close(pipe[0]);
  ::close(pipe[1]);
  CHECK_FALSE(is_terminal(-1));
}

}  // namespace outrider
