// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace outrider {

/// The text of a file, in one place in memory that is wiped in the end. A NUL follows it.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::size_t size) : size_(size), bytes_(std::make_unique<unsigned char[]>(size + 1)) {}
  SecretText(SecretText&& other) noexcept : size_(other.size_), bytes_(std::move(other.bytes_)) {
    other.size_ = 0;
  }
  SecretText& operator=(SecretText&&) = delete;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText();

  unsigned char* data() { return bytes_.get(); }
  const unsigned char* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes_.get()), size_}; }
  bool is_pem() const { return view().find("-----BEGIN ") != std::string_view::npos; }
  /// As mbedTLS wants to be told: with the NUL for PEM, without it for DER.
  std::size_t parse_size() const { return size_ + (is_pem() ? 1 : 0); }

 private:
  std::size_t size_ = 0;
  std::unique_ptr<unsigned char[]> bytes_;
};

/// "credential:device.key" is the file of that name that systemd has put aside for this service (LoadCredential=,
/// SetCredential=, LoadCredentialEncrypted=).
bool is_credential(std::string_view path);
/// False outside of a service with credentials: then nobody can look at them.
bool has_credentials();

/// Where a file or a credential lies.
/// Errors  kRetry: a credential's name that is none, or there are no credentials. A sentence that begins with `what` ("the CA
///         file") and the path.
Result<std::string> secret_place(const std::string& path, std::string_view what);

/// Reads a whole file, or a credential.
///
/// Errors  kRetry: a sentence that begins with `what` ("the CA file") and the path, when it is missing, no regular file,
///         empty, or larger than a megabyte.
Result<SecretText> read_secret_file(const std::string& path, std::string_view what);

/// Refuses a private key that anybody but its owner may read or write. A credential is systemd's to protect: it is in a
/// folder of the service's own, and a group bit of its mode is the mask of an access list.
/// Errors  kRetry, as above.
Status check_private(const std::string& path, std::string_view what);

}  // namespace outrider
