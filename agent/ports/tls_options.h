// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace outrider {

/// "credential:NAME" in place of a path is the file of that name that systemd hands to the service.
inline constexpr std::string_view kCredentialPrefix = "credential:";

enum class TlsVersion : std::uint8_t { k12, k13 };

/// How a connection to mqtts:// is secured. There is no way to do without verifying the server.
struct TlsOptions {
  std::string ca;                 ///< File or directory of the CAs we trust; empty: those of the system.
  std::string crl;                ///< File of revoked certificates; empty: none.
  std::string certificate;        ///< File with our certificate, then its intermediates; empty: we have none.
  std::string key;                ///< File with its private key, readable by nobody else.
  std::string server_name;        ///< The name in the server's certificate; empty: the host of the address.
  std::vector<std::string> alpn;  ///< Offered in this order; empty: none.
  TlsVersion minimum_version = TlsVersion::k12;

  bool operator==(const TlsOptions&) const = default;
};

}  // namespace outrider
