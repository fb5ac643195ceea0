// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/secret_file.h"

#include <mbedtls/platform_util.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "agent/ports/tls_options.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargest = 1U << 20U;  // the bundle of all public CAs has 220 KB

Error refuse(std::string_view what, const std::string& path, const std::string& why) {
  return retry(std::string(what) + " " + path + " " + why);
}

constexpr const char* kCredentialsDirectory = "CREDENTIALS_DIRECTORY";

}  // namespace

bool is_credential(std::string_view path) {
  return path.substr(0, kCredentialPrefix.size()) == kCredentialPrefix;
}

bool has_credentials() {
  const char* const directory = std::getenv(kCredentialsDirectory);
  return directory != nullptr && *directory != '\0';
}

Result<std::string> secret_place(const std::string& path, std::string_view what) {
  if (!is_credential(path)) return path;
  const std::string name = path.substr(kCredentialPrefix.size());
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    return refuse(
        what, path,
        "is no name of a credential; write it as in LoadCredential=, such as credential:device.key");
  if (!has_credentials())
    return refuse(
        what, path,
        "is a credential of a systemd service, and this process is none that has any; give the unit "
        "LoadCredential=" +
            name + ":FILE");
  return (fs::path(std::getenv(kCredentialsDirectory)) / name).string();
}

SecretText::~SecretText() {
  if (bytes_) mbedtls_platform_zeroize(bytes_.get(), size_);
}

Result<SecretText> read_secret_file(const std::string& path, std::string_view what) {
  const Result<std::string> place = secret_place(path, what);
  if (!place) return place.error();
  std::error_code problem;
  const fs::file_status status = fs::status(*place, problem);
  if (problem || !fs::exists(status))
    return refuse(what, path,
                  "cannot be read: " + std::generic_category().message(problem ? problem.value() : ENOENT));
  if (!fs::is_regular_file(status)) return refuse(what, path, "is no regular file");
  const std::uintmax_t size = fs::file_size(*place, problem);
  if (problem) return refuse(what, path, "cannot be read: " + problem.message());
  if (size == 0) return refuse(what, path, "is empty");
  if (size > kLargest) return refuse(what, path, "is larger than 1 MiB, so it is something else");
  std::ifstream file;
  file.rdbuf()->pubsetbuf(nullptr, 0);  // a buffer would keep a copy of the key
  errno = 0;
  file.open(*place, std::ios::binary);
  SecretText text(static_cast<std::size_t>(size));
  if (!file.read(reinterpret_cast<char*>(text.data()), static_cast<std::streamsize>(size)))
    return refuse(what, path, "cannot be read: " + std::generic_category().message(errno != 0 ? errno : EIO));
  return text;
}

Status check_private(const std::string& path, std::string_view what) {
  const Result<std::string> place = secret_place(path, what);
  if (!place) return place.error();
  std::error_code problem;
  const fs::file_status status = fs::status(*place, problem);
  if (problem) return refuse(what, path, "cannot be read: " + problem.message());
  const fs::perms refused =
      is_credential(path) ? fs::perms::others_all : fs::perms::group_all | fs::perms::others_all;
  const fs::perms others = status.permissions() & refused;
  if (others == fs::perms::none) return ok();
  std::array<char, 8> mode{};
  (void)std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(status.permissions()) & 07777U);
  return refuse(what, path,
                "is open to other users (mode " + std::string(mode.data()) +
                    "); give it to the user of the agent and nobody else: chmod 600");
}

}  // namespace outrider
