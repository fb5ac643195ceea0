// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "agent/base/result.h"
#include "agent/ports/broker.h"
#include "agent/ports/tls_options.h"

namespace outrider {

/// What one attempt to move bytes came to.
struct Moved {
  enum class How { kSome, kNothing, kEnded, kFailed };
  How how = How::kNothing;  ///< kNothing: would block, or nothing to move. kEnded: the other side closed.
  int error = 0;            ///< errno of kFailed.
  std::size_t count = 0;    ///< Bytes of kSome.
};

/// The bytes below a secure channel, in records that nobody else can read. Never blocks.
class Carrier {
 public:
  virtual Moved receive(std::span<char> into) = 0;
  virtual Moved send(std::span<const char> bytes) = 0;

 protected:
  ~Carrier() = default;
};

/// Why a connection failed: a sentence for people, and what kind of failure it is.
struct LinkFailure {
  std::string text;
  LinkFault fault = LinkFault::kNetwork;
};

/// Our end of one secured connection. Does no input or output of its own.
///
/// Life     `handshake` again and again until it says kSome → `read`, `write` → `finish` or not.
/// Errors   after a `failure` everything fails.
/// Threads  one at a time.
class SecureChannel {
 public:
  virtual ~SecureChannel() = default;

  /// kSome: the server is who it should be, and data can flow. kNothing: call again when the carrier is ready.
  virtual Moved handshake(Carrier& carrier) = 0;
  virtual Moved read(Carrier& carrier, std::span<char> into) = 0;
  /// After kNothing it must be called again with bytes that begin with the same ones.
  virtual Moved write(Carrier& carrier, std::span<const char> bytes) = 0;
  /// Says goodbye: kSome when that is out, kNothing to be called again.
  virtual Moved finish(Carrier& carrier) = 0;

  /// The last call stopped because the carrier could not take more, not because it had nothing to give.
  virtual bool wants_to_send() const = 0;
  /// Why it failed; nullptr when the carrier did, or nothing.
  virtual const LinkFailure* failure() const = 0;
  /// The handshake as far as it came and did not fail; `waited` as text: "20s".
  virtual LinkFailure unfinished(const std::string& waited) const = 0;
};

/// Makes the secure channels of one link. Remembers the last session, so that the next handshake is short, and the
/// files that the options name: they are read again for every channel.
///
/// Threads  one at a time; channels may live on in another thread.
class SecureClient {
 public:
  virtual ~SecureClient() = default;

  /// Errors  kRetry when a file is missing or bad, and there are no good ones of earlier; kReject when the options
  ///         cannot be met by this build.
  virtual Result<std::unique_ptr<SecureChannel>> open(const BrokerAddress& address,
                                                      const TlsOptions& options) = 0;
};

}  // namespace outrider
