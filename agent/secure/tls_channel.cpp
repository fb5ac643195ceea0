// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/tls_channel.h"

#include <array>
#include <cerrno>
#include <chrono>

#include "agent/base/log.h"

namespace outrider {
namespace {

WallTime wall_now() { return std::chrono::time_point_cast<nanoseconds>(std::chrono::system_clock::now()); }

constexpr Moved kFailedBefore{Moved::How::kFailed, EPROTO, 0};

bool is_blocked(int code) { return code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE; }

/// The carrier failed; its own words are in `carrier_end_`.
bool is_broken(int code) {
  return code == MBEDTLS_ERR_NET_SEND_FAILED || code == MBEDTLS_ERR_NET_RECV_FAILED;
}

bool is_goodbye(int code) {
  return code == 0 || code == MBEDTLS_ERR_SSL_CONN_EOF || code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY;
}

/// Types of TLS records (RFC 8446 section 5.1); whatever begins differently is not TLS.
bool is_tls_record(unsigned char first_byte) { return first_byte >= 20 && first_byte <= 23; }

}  // namespace

TlsChannel::TlsChannel(Setup setup) : setup_(std::move(setup)) {
  for (const std::string& protocol : setup_.options.alpn) alpn_.push_back(protocol.c_str());
  alpn_.push_back(nullptr);
}

Result<std::unique_ptr<SecureChannel>> TlsChannel::make(Setup setup) {
  std::unique_ptr<TlsChannel> channel(new TlsChannel(std::move(setup)));
  if (const int code = channel->configure(); code != 0)
    return retry("a TLS connection cannot be prepared: " + mbedtls_text(code));
  return std::unique_ptr<SecureChannel>(std::move(channel));
}

int TlsChannel::configure() {
  mbedtls_ssl_config* config = config_.get();
  if (const int code = random_.seed(); code != 0) return code;
  if (const int code = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
                                                   MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
      code != 0)
    return code;
  mbedtls_ssl_conf_rng(config, Random::kFunction, random_.state());
  set_minimum_version(config, setup_.options.minimum_version);
  mbedtls_ssl_conf_ciphersuites(config, kCiphers.data());
#ifdef MBEDTLS_SSL_RENEGOTIATION
  mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
  trust(config);
  if (const int code = identify(config); code != 0) return code;
  if (const int code = mbedtls_ssl_setup(tls_.get(), config); code != 0) return code;
  if (const int code = mbedtls_ssl_set_hostname(tls_.get(), setup_.peer.server_name.c_str()); code != 0)
    return code;
  return offer_session();
}

void TlsChannel::trust(mbedtls_ssl_config* config) {
  mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ca_chain(config, setup_.credentials->authorities.get(),
                            setup_.options.crl.empty() ? nullptr : setup_.credentials->revocations.get());
  mbedtls_ssl_conf_cert_profile(config, &mbedtls_x509_crt_profile_next);  // SHA-256, RSA 2048, P-256, or more
  mbedtls_ssl_conf_verify(config, note_verdict, this);
}

/// Who we are, and what we want to speak.
int TlsChannel::identify(mbedtls_ssl_config* config) {
  if (setup_.credentials->has_own) {
    const int code =
        mbedtls_ssl_conf_own_cert(config, setup_.credentials->own.get(), setup_.credentials->key.get());
    if (code != 0) return code;
  }
  return alpn_.size() > 1 ? mbedtls_ssl_conf_alpn_protocols(config, alpn_.data()) : 0;
}

int TlsChannel::offer_session() {
  offered_ = setup_.sessions->take(setup_.session_key, wall_now());
  return offered_ ? mbedtls_ssl_set_session(tls_.get(), offered_->session.get()) : 0;
}

Moved TlsChannel::handshake(Carrier& carrier) {
  if (failure_) return kFailedBefore;
  attach(carrier);
  const int code = mbedtls_ssl_handshake(tls_.get());
  if (code != 0) return outcome(code);
  is_open_ = true;
  if (!is_tls13(*tls_.get())) keep_session();
  log_handshake();
  return {Moved::How::kSome, 0, 0};
}

Moved TlsChannel::read(Carrier& carrier, std::span<char> into) {
  if (failure_) return kFailedBefore;
  attach(carrier);
  auto* const bytes = reinterpret_cast<unsigned char*>(into.data());
  int code = mbedtls_ssl_read(tls_.get(), bytes, into.size());
  while (is_new_ticket(code)) {
    keep_session();
    code = mbedtls_ssl_read(tls_.get(), bytes, into.size());
  }
  if (code > 0) return {Moved::How::kSome, 0, static_cast<std::size_t>(code)};
  return outcome(code);
}

/// A record that was begun must be finished with the same bytes, and mbedTLS believes what it is then told of their
/// number.
Moved TlsChannel::write(Carrier& carrier, std::span<const char> bytes) {
  if (failure_) return kFailedBefore;
  attach(carrier);
  if (unsent_ > 0) bytes = bytes.first(unsent_);
  const int code =
      mbedtls_ssl_write(tls_.get(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  unsent_ = is_blocked(code) ? bytes.size() : 0;
  if (code > 0) return {Moved::How::kSome, 0, static_cast<std::size_t>(code)};
  return outcome(code);
}

Moved TlsChannel::finish(Carrier& carrier) {
  if (failure_) return kFailedBefore;
  attach(carrier);
  const int code = mbedtls_ssl_close_notify(tls_.get());
  return code == 0 ? Moved{Moved::How::kSome, 0, 0} : outcome(code);
}

/// mbedTLS has said something else than "done".
Moved TlsChannel::outcome(int code) {
  if (is_blocked(code)) return {};
  if (is_open_ && is_goodbye(code)) return {Moved::How::kEnded, 0, 0};
  const bool is_server_doing = carrier_end_.error == EPIPE || carrier_end_.error == ECONNRESET;
  if (is_broken(code) && (is_open_ || !is_server_doing)) return {Moved::How::kFailed, carrier_end_.error, 0};
  failure_ = explain(code);
  return kFailedBefore;
}

LinkFailure TlsChannel::explain(int code) {
  const bool has_seen_server = is_verified_ || is_open_ || offered_;
  if (has_bad_certificate()) return certificate_failure(faults_, setup_.peer, wall_now());
  if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
    return alert_failure(last_alert(*tls_.get()), has_seen_server, setup_.peer);
  if (received_ > 0 && !is_tls_record(first_byte_))
    return {"the broker answered with something that is not TLS; is this port for mqtt:// without TLS?",
            LinkFault::kHandshake};
  if (is_goodbye(code) || is_broken(code)) {
    if (const std::optional<int> alert = left_over_alert())
      return alert_failure(*alert, has_seen_server, setup_.peer);
    return explain_end();
  }
  if (code == MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE && !is_open_)
    return {"the broker sends its handshake in pieces that mbedTLS " MBEDTLS_VERSION_STRING
            " cannot put together; let it send fewer certificates, or build with mbedTLS 3.6.3",
            LinkFault::kHandshake};
  if (code == kVersionRefused) return alert_failure(70, has_seen_server, setup_.peer);
  return {(is_open_ ? "the TLS connection broke: " : "the TLS handshake failed: ") + mbedtls_text(code),
          LinkFault::kHandshake};
}

/// Some faults are found after the chain was judged (what the certificate may be used for), and only counted in the sum.
bool TlsChannel::has_bad_certificate() {
  constexpr std::uint32_t kNotJudged = ~std::uint32_t{0};
  std::uint32_t sum = mbedtls_ssl_get_verify_result(tls_.get());
  if (!is_verified_ || sum == kNotJudged) return !faults_.empty();
  for (const CertificateFault& fault : faults_) sum &= ~fault.flags;
  if (sum != 0) faults_.push_back({0, sum, server_});
  return !faults_.empty();
}

/// The broker closed without a word of TLS about why.
LinkFailure TlsChannel::explain_end() const {
  if (received_ == 0)
    return {
        "the broker closed the connection instead of answering the TLS handshake; is this port for mqtt:// "
        "without TLS?",
        LinkFault::kHandshake};
  if (!is_verified_)
    return {"the broker closed the connection in the middle of the TLS handshake", LinkFault::kHandshake};
  if (!setup_.credentials->has_own)
    return {
        "the broker closed the connection after it showed its certificate; does it demand one of ours "
        "(tls.certificate, tls.key)?",
        LinkFault::kOwnCertificate};
  return {"the broker closed the connection when it saw our certificate \"" + setup_.peer.own_subject + "\"",
          LinkFault::kOwnCertificate};
}

LinkFailure TlsChannel::unfinished(const std::string& waited) const {
  if (received_ == 0)
    return {"the broker took the connection but did not answer the TLS handshake within " + waited +
                "; is this port for TLS?",
            LinkFault::kHandshake};
  return {"the broker fell silent in the middle of the TLS handshake, and " + waited + " were over",
          LinkFault::kHandshake};
}

/// A server that refuses our certificate says why and closes at once, perhaps while we are still sending: then its last
/// words have arrived and nobody has read them. They are in the clear, as no keys are in use yet.
std::optional<int> TlsChannel::left_over_alert() {
  constexpr std::size_t kHeader = 5;  // type, version, length: RFC 5246 section 6.2.1
  constexpr unsigned char kAlertRecord = 21;
  std::array<char, 16 << 10> bytes{};
  std::size_t size = 0;
  for (Moved moved{Moved::How::kSome, 0, 0}; moved.how == Moved::How::kSome && size < bytes.size();
       size += moved.count)
    moved = carrier_->receive(std::span(bytes).subspan(size));
  const auto at = [&bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  for (std::size_t start = 0; start + kHeader + 2 <= size;) {
    const std::size_t length = at(start + 3) * std::size_t{256} + at(start + 4);
    if (at(start) == kAlertRecord && length == 2) return at(start + kHeader + 1);
    start += kHeader + length;
  }
  return std::nullopt;
}

/// After a full handshake, or when the session that was offered was taken. Not when it was refused: mbedTLS 2.28 would
/// hand back the refused ticket.
void TlsChannel::keep_session() {
  if (offered_ && is_verified_) return;
  auto kept = std::make_unique<KeptSession>();
  if (mbedtls_ssl_get_session(tls_.get(), kept->session.get()) != 0) return;
  kept->peer = setup_.session_key;
  kept->verified = offered_ ? offered_->verified : wall_now();
  const mbedtls_x509_crt* server = mbedtls_ssl_get_peer_cert(tls_.get());
  kept->good_until = offered_            ? offered_->good_until
                     : server != nullptr ? wall_time_of(server->valid_to)
                                         : WallTime();
  setup_.sessions->keep(std::move(kept));
}

void TlsChannel::log_handshake() const {
  const char* const protocol = mbedtls_ssl_get_alpn_protocol(tls_.get());
  log_info("link.tls", std::string(mbedtls_ssl_get_version(tls_.get())) + ", " +
                           mbedtls_ssl_get_ciphersuite(tls_.get()) +
                           (protocol != nullptr ? std::string(", ALPN ") + protocol : "") +
                           (is_verified_ ? ", full handshake of " : ", session resumed with ") +
                           std::to_string(sent_ + received_) + " bytes");
}

void TlsChannel::attach(Carrier& carrier) {
  carrier_ = &carrier;
  is_sending_blocked_ = false;
  mbedtls_ssl_set_bio(tls_.get(), this, send, receive, nullptr);
}

int TlsChannel::send(void* self, const unsigned char* bytes, std::size_t size) {
  auto& channel = *static_cast<TlsChannel*>(self);
  const Moved moved = channel.carrier_->send({reinterpret_cast<const char*>(bytes), size});
  channel.is_sending_blocked_ = moved.how == Moved::How::kNothing;
  if (channel.is_sending_blocked_) return MBEDTLS_ERR_SSL_WANT_WRITE;
  if (moved.how != Moved::How::kSome) {
    channel.carrier_end_ = moved;
    return MBEDTLS_ERR_NET_SEND_FAILED;
  }
  channel.sent_ += moved.count;
  return static_cast<int>(moved.count);
}

int TlsChannel::receive(void* self, unsigned char* bytes, std::size_t size) {
  auto& channel = *static_cast<TlsChannel*>(self);
  const Moved moved = channel.carrier_->receive({reinterpret_cast<char*>(bytes), size});
  if (moved.how == Moved::How::kNothing) return MBEDTLS_ERR_SSL_WANT_READ;
  if (moved.how != Moved::How::kSome) {
    channel.carrier_end_ = moved;
    return moved.how == Moved::How::kEnded ? 0 : MBEDTLS_ERR_NET_RECV_FAILED;
  }
  if (channel.received_ == 0) channel.first_byte_ = bytes[0];
  channel.received_ += moved.count;
  return static_cast<int>(moved.count);
}

/// Called for each certificate of the chain, from the CA down, in a full handshake only.
int TlsChannel::note_verdict(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags) {
  auto& channel = *static_cast<TlsChannel*>(self);
  channel.is_verified_ = true;
  if (depth == 0 && is_for_address(*certificate, channel.setup_.peer.server_name))
    *flags &= ~std::uint32_t{MBEDTLS_X509_BADCERT_CN_MISMATCH};
  if (depth == 0) channel.server_ = describe(*certificate);
  if (*flags != 0) channel.faults_.push_back({depth, *flags, describe(*certificate)});
  return 0;
}

}  // namespace outrider
