// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "agent/base/time.h"
#include "agent/secure/mbedtls_compat.h"

namespace outrider {

/// A TLS session that could be taken up again, and when the server was last really verified: resuming does not verify.
struct KeptSession {
  OwnedSession session;
  std::string peer;  ///< Address, name and fingerprint of our files: for nobody else.
  WallTime verified{};
  WallTime good_until{};  ///< Of the server's certificate.
};

/// The newest session of a client. It is offered once: a server that did not take it might not like it a second time
/// either (mbedTLS 2.28 keeps offering a refused ticket).
///
/// Threads  any.
class SessionMemory {
 public:
  static constexpr std::chrono::hours kLongest{1};

  void keep(std::unique_ptr<KeptSession> session) {
    const std::lock_guard lock(mutex_);
    kept_ = std::move(session);
  }
  /// nullptr when there is none for this peer that is fresh enough by this clock.
  std::unique_ptr<KeptSession> take(const std::string& peer, WallTime now) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<KeptSession> taken = std::move(kept_);
    if (!taken || taken->peer != peer) return nullptr;
    const bool is_fresh =
        now >= taken->verified && now - taken->verified < kLongest && now < taken->good_until;
    return is_fresh ? std::move(taken) : nullptr;
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<KeptSession> kept_;  // guarded by mutex_
};

}  // namespace outrider
