// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "agent/config/sections.h"

namespace outrider {
namespace {

constexpr std::size_t kMostProtocols = 8;
constexpr std::size_t kLongestProtocol = 255;  // RFC 7301 section 3.1
constexpr TextLimits kPath{.most_bytes = 4096};

constexpr std::array<Choice<TlsVersion>, 2> kVersions{{{"1.2", TlsVersion::k12}, {"1.3", TlsVersion::k13}}};

void read_alpn(const JsonObject& object, TlsOptions& tls) {
  const std::optional<JsonEntry> entry = object.find("alpn");
  if (!entry) return;
  const auto protocols = entry->items("protocol names", kMostProtocols);
  if (!protocols) return;
  for (const JsonEntry& item : *protocols) {
    std::string name;
    if (item.read(name, TextLimits{.most_bytes = kLongestProtocol})) tls.alpn.push_back(std::move(name));
  }
}

}  // namespace

TlsOptions read_tls(const JsonObject& publish, const FileContext& files) {
  TlsOptions tls;
  const std::optional<JsonObject> object = publish.object("tls", "publish.tls");
  if (!object) return tls;
  const auto read_path = [&](std::string_view key, std::string& path) {
    if (object->read(key, path, kPath)) path = resolve_path(path, files);
  };
  read_path("ca", tls.ca);
  read_path("crl", tls.crl);
  read_path("certificate", tls.certificate);
  read_path("key", tls.key);
  if (object->has("certificate") && !object->has("key"))
    object->problem("certificate", "needs its private key beside it, as publish.tls.key");
  if (object->has("key") && !object->has("certificate"))
    object->problem("key", "needs its certificate beside it, as publish.tls.certificate");
  object->read("server_name", tls.server_name, TextLimits{.most_bytes = 253});
  read_alpn(*object, tls);
  object->read_choice("minimum_version", tls.minimum_version, kVersions);
  return tls;
}

}  // namespace outrider
