// SPDX-License-Identifier: Apache-2.0
#include "agent/collector.h"

#include <span>

#include "agent/base/log.h"

namespace outrider {

Collector::Collector(CanPort& port, Inbox<CanFrame>& inbox, Bell& bell)
    : port_(port), inbox_(inbox), bell_(bell), thread_([this] { run(); }) {}

Collector::~Collector() {
  stop_ = true;
  thread_.join();
}

void Collector::run() noexcept {
  constexpr milliseconds kLongestWait{50};  // bounds how long a stop takes
  std::vector<CanFrame> frames;
  frames.reserve(1024);
  while (!stop_) {
    frames.clear();
    const auto feed = port_.receive(frames, kLongestWait);
    if (!feed) {
      log_error("input", feed.error().text);
      if (feed.error().fault == Fault::kStop) break;
      continue;
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
