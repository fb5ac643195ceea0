// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/ports/secure_channel.h"
#include "platform/linux/byte_queue.h"
#include "platform/linux/descriptor.h"

namespace outrider {

/// Reads once, as much as fits without a gap. Never blocks: the socket is non-blocking.
Moved read_socket(int socket, ByteQueue& into);
/// Writes once.
Moved write_socket(int socket, ByteQueue& from);

/// True when the other side closed or reset the connection; false when the network did. `error` as below.
bool is_broker_doing(int error);
/// "the broker reset the connection" and the like; `error` is an errno.
std::string broker_failure_text(int error);

/// The broker's end of a link: clear bytes on our side, what the network carries on the other. Plain TCP passes them
/// unchanged; with a secure channel there is a handshake first, and then records.
///
/// Threads  the link's only.
class Wire {
 public:
  Wire() = default;
  /// `channel` absent: plain.
  Wire(Descriptor socket, std::unique_ptr<SecureChannel> channel)
      : socket_(std::move(socket)), channel_(std::move(channel)) {}

  int descriptor() const { return socket_.number(); }
  bool is_open() const { return socket_.is_open(); }
  bool is_secure() const { return channel_ != nullptr; }

  /// kSome when bytes can flow.
  Moved handshake();
  /// Why there is no handshake yet, `waited` as text.
  LinkFailure unfinished(const std::string& waited) const { return channel_->unfinished(waited); }

  Moved read(ByteQueue& into);
  Moved write(ByteQueue& from);
  /// Why the last of these failed, with the errno that it gave.
  LinkFailure failure(int error) const;

  /// Tells the broker that nothing more will come; it can still read what was written. False: to be called again.
  bool finish();
  void close();

  /// Bytes were taken from the socket that `read` could not give yet: poll will not tell of them.
  bool has_more() const { return has_more_; }
  /// Waits for the socket to take more, though there may be nothing more to write.
  bool wants_to_send() const { return channel_ && channel_->wants_to_send(); }

 private:
  Descriptor socket_;
  std::unique_ptr<SecureChannel> channel_;
  bool has_more_ = false;
  std::optional<Moved> end_;  ///< Seen behind bytes that had to be given first.
};

}  // namespace outrider
