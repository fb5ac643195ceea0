// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/ports/secure_channel.h"
#include "agent/secure/credentials.h"
#include "agent/secure/session_memory.h"
#include "agent/secure/tls_sentences.h"

namespace outrider {

/// One TLS connection on mbedTLS, as a client.
///
/// Trust    the server is always verified: chain, time, revocation, name. Renegotiation is off.
/// Threads  one at a time; shares only what nobody changes, and the session memory.
class TlsChannel final : public SecureChannel {
 public:
  struct Setup {
    std::shared_ptr<Credentials> credentials;
    std::shared_ptr<SessionMemory> sessions;
    TlsOptions options;
    TlsPeer peer;
    std::string session_key;  ///< Whose sessions may be taken up again.
  };
  /// Errors  kRetry: no random numbers, no memory.
  static Result<std::unique_ptr<SecureChannel>> make(Setup setup);

  Moved handshake(Carrier& carrier) override;
  Moved read(Carrier& carrier, std::span<char> into) override;
  Moved write(Carrier& carrier, std::span<const char> bytes) override;
  Moved finish(Carrier& carrier) override;
  bool wants_to_send() const override { return is_sending_blocked_; }
  const LinkFailure* failure() const override { return failure_ ? &*failure_ : nullptr; }
  LinkFailure unfinished(const std::string& waited) const override;

 private:
  explicit TlsChannel(Setup setup);
  int configure();
  void trust(mbedtls_ssl_config* config);
  int identify(mbedtls_ssl_config* config);
  int offer_session();
  void keep_session();
  void log_handshake() const;

  static int send(void* self, const unsigned char* bytes, std::size_t size);
  static int receive(void* self, unsigned char* bytes, std::size_t size);
  static int note_verdict(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);
  void attach(Carrier& carrier);
  Moved outcome(int code);
  LinkFailure explain(int code);
  bool has_bad_certificate();
  LinkFailure explain_end() const;
  std::optional<int> left_over_alert();

  const Setup setup_;
  std::vector<const char*> alpn_;
  Random random_;
  OwnedConfig config_;
  OwnedContext tls_;  ///< After what it points to.
  Carrier* carrier_ = nullptr;
  Moved carrier_end_;  ///< The carrier's last word, when it had one.
  bool is_sending_blocked_ = false;
  std::size_t unsent_ = 0;    ///< Bytes of a `write` that mbedTLS has taken and not sent.
  std::size_t received_ = 0;  ///< Bytes, with `sent_`: what a handshake costs.
  std::size_t sent_ = 0;
  unsigned char first_byte_ = 0;  ///< Of the server.
  bool is_open_ = false;          ///< The handshake is done.
  bool is_verified_ = false;      ///< In this handshake; a resumed one does not.
  std::vector<CertificateFault> faults_;
  CertificateInfo server_;  ///< Once it is verified.
  std::unique_ptr<KeptSession> offered_;
  std::optional<LinkFailure> failure_;
};

}  // namespace outrider
