// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/time.h"
#include "agent/ports/small_file.h"
#include "agent/ports/tls_options.h"
#include "agent/secure/certificate.h"

namespace outrider {

/// How near its end a certificate has come; somebody is told of each step once.
enum class ExpiryStep : std::uint8_t { kFar, kMonth, kWeek, kDay, kOver };

/// kMonth: at most 30 days are left; kWeek: 7; kDay: 1.
ExpiryStep expiry_step(const CertificateInfo& certificate, WallTime now);

/// What somebody should know of the device's certificate.
struct CertificateNotice {
  enum class Kind : std::uint8_t { kRenewed, kExpires, kExpired };
  Kind kind = Kind::kExpires;
  bool is_critical = false;
  CertificateInfo certificate;
  std::int64_t days_left = 0;
  std::string text;  ///< One sentence.
};

/// The certificate by which the broker knows this device: looks at its file every few seconds, and at its end.
///
/// Renewal  a new certificate counts when its private key belongs to it and the file has stayed the same for one look: the
///          two are replaced one after the other. Until then, and when they are no good, the one of before counts, with one
///          warning.
/// Expiry   each step is told once per certificate, the latest one only, when the clock is plausible. `memory` keeps that
///          across restarts.
/// Threads  one. Reads a file of some kilobytes at a look.
class DeviceCertificate {
 public:
  static constexpr seconds kBetweenLooks{5};

  /// `memory` may be nullptr: then the last step is told again after a restart.
  DeviceCertificate(TlsOptions options, SmallFile* memory);

  /// What is new, if anything; `now` paces the looks.
  std::optional<CertificateNotice> look(BootTime now, WallTime wall);
  /// The last notice is stored for good, so it need not be told again after a restart.
  void keep_told();

  /// nullopt until there was a good one.
  const std::optional<CertificateInfo>& current() const { return current_; }

 private:
  bool refresh();
  void recall();
  std::optional<CertificateNotice> expiry_notice(WallTime wall);

  const TlsOptions options_;
  SmallFile* const memory_;
  std::optional<CertificateInfo> current_;
  ExpiryStep told_ = ExpiryStep::kFar;  // of current_
  std::string used_;                    // digests of the file's text: what current_ is of,
  std::string seen_;                    // what the last look found,
  std::string refused_;                 // and what is no good
  BootTime next_look_{};
};

}  // namespace outrider
