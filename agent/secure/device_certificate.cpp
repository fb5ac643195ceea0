// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/device_certificate.h"

#include <charconv>

#include "agent/base/log.h"
#include "agent/secure/credentials.h"
#include "agent/secure/digest.h"

namespace outrider {
namespace {

using std::chrono::days;

std::string left_text(std::int64_t count) { return std::to_string(count) + (count == 1 ? " day" : " days"); }

}  // namespace

ExpiryStep expiry_step(const CertificateInfo& certificate, WallTime now) {
  const nanoseconds left = certificate.not_after - now;
  if (left < nanoseconds(0)) return ExpiryStep::kOver;
  if (left <= days(1)) return ExpiryStep::kDay;
  if (left <= days(7)) return ExpiryStep::kWeek;
  return left <= days(30) ? ExpiryStep::kMonth : ExpiryStep::kFar;
}

DeviceCertificate::DeviceCertificate(TlsOptions options, SmallFile* memory)
    : options_(std::move(options)), memory_(memory) {}

std::optional<CertificateNotice> DeviceCertificate::look(BootTime now, WallTime wall) {
  if (now < next_look_) return std::nullopt;
  next_look_ = now + kBetweenLooks;
  const bool had_one = current_.has_value();
  if (refresh() && had_one)
    return CertificateNotice{.kind = CertificateNotice::Kind::kRenewed,
                             .certificate = *current_,
                             .days_left = days_left(*current_, wall),
                             .text = "the certificate is a new one, \"" + current_->subject +
                                     "\", good until " + iso_time(current_->not_after)};
  return expiry_notice(wall);
}

/// True when another certificate has taken the place of `current_`.
bool DeviceCertificate::refresh() {
  const Result<SecretText> text = read_secret_file(options_.certificate, "the certificate");
  const std::string digest = text ? sha256(text->view()) : "none";
  const bool is_settled = digest == seen_ || !current_;
  seen_ = digest;
  if (digest == used_ || !is_settled) return false;
  Result<CertificateInfo> pair = own_certificate(options_);
  if (!pair) {
    // Without one of before the link itself says why there is no connection.
    if (current_ && refused_ != digest)
      log_warning("identity", pair.error().text + "; the certificate of before stays in use");
    refused_ = digest;
    return false;
  }
  used_ = digest;
  refused_.clear();
  const bool is_other = !current_ || current_->sha256 != pair->sha256;
  current_ = std::move(*pair);
  if (is_other) recall();
  return is_other;
}

/// What was told of this certificate before a restart: "SHA-256 STEP".
void DeviceCertificate::recall() {
  told_ = ExpiryStep::kFar;
  if (memory_ == nullptr) return;
  const Result<std::optional<std::string>> text = memory_->read();
  if (!text || !*text) return;
  const std::string head = current_->sha256 + " ";
  unsigned step = 0;
  if ((*text)->compare(0, head.size(), head) != 0) return;
  const auto [end, problem] =
      std::from_chars((*text)->data() + head.size(), (*text)->data() + (*text)->size(), step);
  if (problem == std::errc() && step <= static_cast<unsigned>(ExpiryStep::kOver))
    told_ = static_cast<ExpiryStep>(step);
}

void DeviceCertificate::keep_told() {
  if (memory_ == nullptr || !current_) return;
  const Status kept =
      memory_->write(current_->sha256 + " " + std::to_string(static_cast<unsigned>(told_)) + "\n");
  if (!kept)
    log_warning("identity", kept.error().text + "; the certificate's end is told again after a restart");
}

std::optional<CertificateNotice> DeviceCertificate::expiry_notice(WallTime wall) {
  if (!current_ || !is_clock_plausible(wall)) return std::nullopt;
  const ExpiryStep step = expiry_step(*current_, wall);
  if (step <= told_) return std::nullopt;
  told_ = step;
  const bool is_over = step == ExpiryStep::kOver;
  const std::int64_t left = days_left(*current_, wall);
  return CertificateNotice{
      .kind = is_over ? CertificateNotice::Kind::kExpired : CertificateNotice::Kind::kExpires,
      .is_critical = step >= ExpiryStep::kDay,
      .certificate = *current_,
      .days_left = left,
      .text =
          "the certificate \"" + current_->subject + "\" " +
          (is_over ? "expired at " + iso_time(current_->not_after) + "; brokers refuse it until it is renewed"
                   : "expires in " + left_text(left) + ", at " + iso_time(current_->not_after) +
                         "; renew it before that")};
}

}  // namespace outrider
