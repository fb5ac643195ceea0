// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/stop_signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

#include "agent/base/ensure.h"

namespace outrider {
namespace {

constexpr int kExitInterrupted = 128 + SIGINT;  // what shells report for a process that SIGINT ended

sigset_t stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopSignal::StopSignal(Bell& bell) : bell_(bell) {
  const sigset_t wanted = stop_signals();
  ENSURE(::pthread_sigmask(SIG_BLOCK, &wanted, &old_mask_) == 0);
  signals_ = Descriptor(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  farewell_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  ENSURE(signals_.is_open() && farewell_.is_open());  // at the start of a process descriptors are there
  thread_ = std::thread([this]() noexcept { listen(); });
}

StopSignal::~StopSignal() {
  ENSURE(::eventfd_write(farewell_.number(), 1) == 0);
  thread_.join();
  ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

void StopSignal::listen() noexcept {
  std::array<pollfd, 2> wishes{{{.fd = signals_.number(), .events = POLLIN, .revents = 0},
                                {.fd = farewell_.number(), .events = POLLIN, .revents = 0}}};
  while (true) {
    if (::poll(wishes.data(), wishes.size(), -1) < 0) continue;  // EINTR by a signal that is not ours
    if (wishes[0].revents != 0) take_signal();
    if (wishes[1].revents != 0) return;
  }
}

void StopSignal::take_signal() noexcept {
  signalfd_siginfo signal{};
  if (::read(signals_.number(), &signal, sizeof signal) != static_cast<ssize_t>(sizeof signal)) return;
  if (signal.ssi_signo == SIGINT) {
    // The first one may hang in a slow disk or a dead network: whoever asks twice means it.
    if (was_interrupted_) ::_exit(kExitInterrupted);
    was_interrupted_ = true;
  }
  is_stopping_.store(true);
  bell_.ring();
}

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

}  // namespace outrider
