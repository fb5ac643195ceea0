// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/conversation.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace outrider {
namespace {

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Conversation::Conversation(std::uint64_t id, Descriptor socket, std::size_t most_bytes, milliseconds patience,
                           Time now)
    : id_(id),
      most_bytes_(most_bytes),
      patience_(patience),
      socket_(std::move(socket)),
      deadline_(now + patience) {}

short Conversation::events() const {
  if (stage_ == Stage::kAsking) return POLLIN;
  // While waiting, only that the client is gone is news; poll says so unasked.
  return stage_ == Stage::kAnswering ? POLLOUT : short{0};
}

Conversation::Time Conversation::wake_at() const {
  return stage_ == Stage::kWaiting ? Time::max() : deadline_;
}

std::optional<std::string> Conversation::advance(short ready, Time now) {
  std::optional<std::string> request;
  if (stage_ == Stage::kAsking && ready != 0) request = listen(now);
  if (stage_ == Stage::kAnswering && ready != 0) speak();
  if (stage_ == Stage::kWaiting && (ready & (POLLHUP | POLLERR)) != 0) stage_ = Stage::kOver;
  if (now >= wake_at()) stage_ = Stage::kOver;
  return request;
}

std::optional<std::string> Conversation::listen(Time now) {
  std::array<char, 4096> chunk{};
  const ssize_t count = ::recv(socket_.number(), chunk.data(), chunk.size(), 0);
  if (count < 0 && would_block()) return std::nullopt;
  if (count <= 0) {  // gone, or ended within a line
    stage_ = Stage::kOver;
    return std::nullopt;
  }
  const std::string_view heard(chunk.data(), static_cast<std::size_t>(count));
  const std::size_t end = heard.find('\n');
  const std::string_view part = heard.substr(0, end);
  is_too_long_ = is_too_long_ || text_.size() + part.size() > most_bytes_;
  if (is_too_long_)
    text_.clear();
  else
    text_ += part;
  if (end == std::string_view::npos) return std::nullopt;
  if (is_too_long_) {
    answer("{\"error\":\"the request is longer than " + std::to_string(most_bytes_) + " bytes\"}\n", now);
    return std::nullopt;
  }
  stage_ = Stage::kWaiting;
  return std::exchange(text_, {});
}

void Conversation::answer(std::string lines, Time now) {
  text_ = std::move(lines);
  deadline_ = now + patience_;
  stage_ = Stage::kAnswering;
  speak();
}

void Conversation::speak() {
  while (spoken_ < text_.size()) {
    const ssize_t count =
        ::send(socket_.number(), text_.data() + spoken_, text_.size() - spoken_, MSG_NOSIGNAL);
    if (count < 0 && would_block()) return;
    if (count < 0) break;
    spoken_ += static_cast<std::size_t>(count);
  }
  stage_ = Stage::kOver;
}

}  // namespace outrider
