// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/wire.h"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace outrider {
namespace {

Moved failed_or_blocked() {
  const int error = errno;
  if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR) return {};
  return {Moved::How::kFailed, error};
}

}  // namespace

Moved read_socket(int socket, ByteQueue& into) {
  const std::span<char> room = into.writable();
  if (room.empty()) return {};
  const ssize_t count = ::recv(socket, room.data(), room.size(), 0);
  if (count < 0) return failed_or_blocked();
  if (count == 0) return {Moved::How::kEnded, 0};
  into.wrote(static_cast<std::size_t>(count));
  return {Moved::How::kSome, 0};
}

Moved write_socket(int socket, ByteQueue& from) {
  const std::span<const char> bytes = from.readable();
  if (bytes.empty()) return {};
  const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count < 0) return failed_or_blocked();
  from.consumed(static_cast<std::size_t>(count));
  return {Moved::How::kSome, 0};
}

bool is_broker_doing(int error) { return error == 0 || error == ECONNRESET || error == EPIPE; }

std::string broker_failure_text(int error) {
  if (error == 0) return "the broker closed the connection";
  if (error == ECONNRESET || error == EPIPE) return "the broker reset the connection";
  if (error == ETIMEDOUT) return "the network stopped delivering to the broker";
  return "the connection to the broker broke: " + std::system_category().message(error);
}

void Wire::finish() { (void)::shutdown(socket_.number(), SHUT_WR); }

}  // namespace outrider
