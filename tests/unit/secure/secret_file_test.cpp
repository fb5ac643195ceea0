// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/secret_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace outrider {
namespace {

/// What systemd tells a service with credentials, for the time of a test.
class CredentialsDirectory {
 public:
  explicit CredentialsDirectory(const std::string& path) {
    ::setenv("CREDENTIALS_DIRECTORY", path.c_str(), 1);
  }
  ~CredentialsDirectory() { ::unsetenv("CREDENTIALS_DIRECTORY"); }
  CredentialsDirectory(const CredentialsDirectory&) = delete;
  CredentialsDirectory& operator=(const CredentialsDirectory&) = delete;
};

std::string write(const TemporaryDirectory& directory, const std::string& name, mode_t mode) {
  std::ofstream(directory.file(name)) << "secret";
  REQUIRE(::chmod(directory.file(name).c_str(), mode) == 0);
  return directory.file(name);
}

TEST_CASE("secret file: a key that others can read or write is refused, and how to mend it is said") {
  const TemporaryDirectory directory;
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0644U, 0777U}) {
    CAPTURE(mode);
    const Status checked = check_private(write(directory, "a.key", mode), "the private key");
    REQUIRE_FALSE(checked);
    CHECK(checked.error().text.find("chmod 600") != std::string::npos);
  }
  for (const mode_t mode : {0600U, 0400U, 0700U}) {
    CAPTURE(mode);
    CHECK(check_private(write(directory, "a.key", mode), "the private key"));
  }
}

TEST_CASE(
    "secret file: a credential is read from systemd's folder, where a group bit is the mask of an access "
    "list") {
  const TemporaryDirectory directory;
  const CredentialsDirectory credentials(directory.path());
  write(directory, "device.key", 0440);
  CHECK(has_credentials());
  CHECK(check_private("credential:device.key", "the private key"));
  const auto text = read_secret_file("credential:device.key", "the private key");
  REQUIRE(text);
  CHECK(text->view() == "secret");
  CHECK_FALSE(check_private(directory.file("device.key"),
                            "the private key"));  // by its path it is a file like others
  write(directory, "open.key", 0444);
  CHECK_FALSE(check_private("credential:open.key", "the private key"));
}

TEST_CASE("secret file: a credential that is not there, or no name of one, is refused") {
  const TemporaryDirectory directory;
  {
    const CredentialsDirectory credentials(directory.path());
    for (const char* path :
         {"credential:", "credential:.", "credential:..", "credential:../a", "credential:/etc/passwd"}) {
      CAPTURE(path);
      const auto text = read_secret_file(path, "the private key");
      REQUIRE_FALSE(text);
      CHECK(text.error().text.find("is no name of a credential; write it as in LoadCredential=") !=
            std::string::npos);
    }
    CHECK_FALSE(read_secret_file("credential:missing", "the private key"));
  }
  CHECK_FALSE(has_credentials());
  const auto text = read_secret_file("credential:device.key", "the private key");
  REQUIRE_FALSE(text);
  CHECK(text.error().text.find("give the unit LoadCredential=device.key:FILE") != std::string::npos);
}

}  // namespace
}  // namespace outrider
