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
  return {Moved::How::kFailed, error, 0};
}

Moved receive_some(int socket, std::span<char> into) {
  const ssize_t count = ::recv(socket, into.data(), into.size(), 0);
  if (count < 0) return failed_or_blocked();
  if (count == 0) return {Moved::How::kEnded, 0, 0};
  return {Moved::How::kSome, 0, static_cast<std::size_t>(count)};
}

Moved send_some(int socket, std::span<const char> bytes) {
  const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count < 0) return failed_or_blocked();
  return {Moved::How::kSome, 0, static_cast<std::size_t>(count)};
}

class SocketCarrier final : public Carrier {
 public:
  explicit SocketCarrier(int socket) : socket_(socket) {}
  Moved receive(std::span<char> into) override { return receive_some(socket_, into); }
  Moved send(std::span<const char> bytes) override { return send_some(socket_, bytes); }

 private:
  int socket_;
};

}  // namespace

Moved read_socket(int socket, ByteQueue& into) {
  const std::span<char> room = into.writable();
  if (room.empty()) return {};
  const Moved moved = receive_some(socket, room);
  into.wrote(moved.count);
  return moved;
}

Moved write_socket(int socket, ByteQueue& from) {
  const std::span<const char> bytes = from.readable();
  if (bytes.empty()) return {};
  const Moved moved = send_some(socket, bytes);
  from.consumed(moved.count);
  return moved;
}

bool is_broker_doing(int error) { return error == 0 || error == ECONNRESET || error == EPIPE; }

std::string broker_failure_text(int error) {
  if (error == 0) return "the broker closed the connection";
  if (error == ECONNRESET || error == EPIPE) return "the broker reset the connection";
  if (error == ETIMEDOUT) return "the network stopped delivering to the broker";
  return "the connection to the broker broke: " + std::system_category().message(error);
}

Moved Wire::handshake() {
  SocketCarrier carrier(socket_.number());
  return channel_->handshake(carrier);
}

/// Until the socket is empty or there is no room without a gap.
Moved Wire::read(ByteQueue& into) {
  if (!channel_) return read_socket(socket_.number(), into);
  if (end_) return *end_;
  SocketCarrier carrier(socket_.number());
  std::span<char> room = into.writable();
  Moved sum;
  while (!room.empty()) {
    const Moved moved = channel_->read(carrier, room);
    if (moved.how != Moved::How::kSome) {
      if (moved.how != Moved::How::kNothing) end_ = moved;
      has_more_ = end_.has_value();
      return sum.count > 0 ? sum : moved;
    }
    into.wrote(moved.count);
    room = room.subspan(moved.count);
    sum = {Moved::How::kSome, 0, sum.count + moved.count};
  }
  has_more_ = true;
  return sum;
}

Moved Wire::write(ByteQueue& from) {
  if (!channel_) return write_socket(socket_.number(), from);
  SocketCarrier carrier(socket_.number());
  Moved sum;
  while (!from.empty()) {
    const Moved moved = channel_->write(carrier, from.readable());
    if (moved.how != Moved::How::kSome)
      return sum.count > 0 && moved.how == Moved::How::kNothing ? sum : moved;
    from.consumed(moved.count);
    sum = {Moved::How::kSome, 0, sum.count + moved.count};
  }
  return sum;
}

LinkFailure Wire::failure(int error) const {
  if (channel_ && channel_->failure() != nullptr) return *channel_->failure();
  return {broker_failure_text(error), LinkFault::kNetwork};
}

bool Wire::finish() {
  SocketCarrier carrier(socket_.number());
  if (channel_ && channel_->finish(carrier).how == Moved::How::kNothing) return false;
  (void)::shutdown(socket_.number(), SHUT_WR);
  return true;
}

void Wire::close() {
  socket_.reset();
  channel_.reset();
}

}  // namespace outrider
