// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "agent/ports/secure_channel.h"

namespace outrider {

/// TLS by mbedTLS. Files that have changed are taken up with the next channel; when the new ones are bad, those of before
/// stay in use, with a warning each time.
std::unique_ptr<SecureClient> make_tls_client();

/// What somebody should know about the files of some options before they are used.
struct TlsFinding {
  std::string option;  ///< "ca", "crl", "certificate", "key", "minimum_version".
  std::string text;
  bool is_warning = false;  ///< It would work now.
};

/// Reads everything that the options name.
std::vector<TlsFinding> examine_tls(const TlsOptions& options, WallTime now);

}  // namespace outrider
