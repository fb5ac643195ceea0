// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "platform/linux/byte_queue.h"
#include "platform/linux/descriptor.h"

namespace outrider {

/// What one attempt to move bytes came to.
struct Moved {
  enum class How { kSome, kNothing, kEnded, kFailed };
  How how = How::kNothing;  ///< kNothing: would block, or nothing to move. kEnded: the other side closed.
  int error = 0;            ///< errno of kFailed.
};

/// Reads once, as much as fits without a gap. Never blocks: the socket is non-blocking.
Moved read_socket(int socket, ByteQueue& into);
/// Writes once.
Moved write_socket(int socket, ByteQueue& from);

/// True when the other side closed or reset the connection; false when the network did. `error` as below.
bool is_broker_doing(int error);
/// "the broker reset the connection" and the like; `error` is an errno.
std::string broker_failure_text(int error);

/// The broker's end of a link: clear bytes on our side, what the network carries on the other. Plain TCP passes them
/// unchanged. TLS takes this place: a handshake between dialing and relaying, then `read` and `write` of records.
///
/// Threads  the link's only.
class Wire {
 public:
  Wire() = default;
  explicit Wire(Descriptor socket) : socket_(std::move(socket)) {}

  int descriptor() const { return socket_.number(); }
  bool is_open() const { return socket_.is_open(); }
  Moved read(ByteQueue& into) { return read_socket(socket_.number(), into); }
  Moved write(ByteQueue& from) { return write_socket(socket_.number(), from); }
  /// Tells the broker that nothing more will come; it can still read what was written.
  void finish();
  void close() { socket_.reset(); }

 private:
  Descriptor socket_;
};

}  // namespace outrider
