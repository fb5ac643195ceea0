// SPDX-License-Identifier: Apache-2.0
#include "agent/collector.h"

#include <span>

namespace outrider {

Collector::Collector(CanPort& port, Inbox<CanFrame>& inbox, Bell& bell)
    : port_(port), inbox_(inbox), bell_(bell), thread_([this] { run(); }) {}

Collector::~Collector() {
  stop_ = true;
  thread_.join();
}

// NOLINTNEXTLINE(bugprone-exception-escape): an exception here is a bug, and noexcept ends the process
void Collector::run() noexcept {
  constexpr milliseconds kLongestWait{50};  // bounds how long a stop takes
  std::vector<CanFrame> frames;
  frames.reserve(1024);
  while (!stop_) {
    frames.clear();
    const auto feed = port_.receive(frames, kLongestWait);
    if (!feed) {
      // A port absorbs what the world may mend; what comes out of it is the end.
      failure_ = feed.error();
      break;
    }
    if (port_.can_wait())
      while (!stop_ && !inbox_.wait_for_room(frames.size(), kLongestWait)) bell_.ring();
    inbox_.push(std::span<const CanFrame>(frames));
    if (inbox_.size() >= inbox_.capacity() / 2) bell_.ring();
    if (*feed == CanPort::Feed::kEnded) break;
  }
  has_ended_ = true;
  bell_.ring();
}

}  // namespace outrider
