// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/small_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace outrider {
namespace {

TEST_CASE("small file: a missing file is absence, not an error") {
  const TemporaryDirectory directory;
  const PosixSmallFile file(directory.file("epoch"));
  Result<std::optional<std::string>> text = file.read();
  REQUIRE(text);
  CHECK_FALSE(text->has_value());
}

TEST_CASE("small file: what was written is read, and nothing else is left in the directory") {
  const TemporaryDirectory directory;
  PosixSmallFile file(directory.file("epoch"));
  REQUIRE(file.write("a longer first text\n"));
  REQUIRE(file.write("second\n"));
  CHECK(**PosixSmallFile(directory.file("epoch")).read() == "second\n");
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
}

TEST_CASE("small file: everybody may read it, whatever the umask") {
  const TemporaryDirectory directory;
  PosixSmallFile file(directory.file("epoch"));
  const mode_t before = ::umask(0077);
  const Status written = file.write("x");
  ::umask(before);
  REQUIRE(written);
  struct stat status {};
  REQUIRE(::stat(directory.file("epoch").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0644);
}

TEST_CASE("small file: a write that was cut off leaves the old text, and the next one succeeds") {
  const TemporaryDirectory directory;
  PosixSmallFile file(directory.file("epoch"));
  REQUIRE(file.write("old"));
  std::ofstream(directory.file("epoch.new")) << "half of the ne";
  CHECK(**file.read() == "old");
  REQUIRE(file.write("new"));
  CHECK(**file.read() == "new");
}

TEST_CASE("small file: a directory that is not there is an error with its name") {
  const TemporaryDirectory directory;
  PosixSmallFile file(directory.file("missing/epoch"));
  const Status written = file.write("x");
  REQUIRE_FALSE(written);
  CHECK(written.error().fault == Fault::kRetry);
  CHECK(written.error().text.find("missing/epoch") != std::string::npos);
}

TEST_CASE("small file: a file that is not small reads as a damaged one, and is replaced") {
  const TemporaryDirectory directory;
  PosixSmallFile file(directory.file("epoch"));
  std::ofstream(directory.file("epoch")) << std::string(4096, 'x');
  CHECK((**file.read()).size() == 4096);
  std::ofstream(directory.file("epoch")) << std::string(4097, 'x');
  Result<std::optional<std::string>> text = file.read();
  REQUIRE(text);
  CHECK(*text == "");
  REQUIRE(file.write("new"));
  CHECK(**file.read() == "new");
}

TEST_CASE("small file: a FIFO keeps nobody waiting, and is replaced") {
  const TemporaryDirectory directory;
  PosixSmallFile file(directory.file("epoch"));
  for (const char* name : {"epoch", "epoch.new"}) REQUIRE(::mkfifo(directory.file(name).c_str(), 0600) == 0);
  Result<std::optional<std::string>> text = file.read();
  REQUIRE(text);
  CHECK(*text == "");
  REQUIRE(file.write("new"));
  CHECK(**file.read() == "new");
  CHECK(std::filesystem::is_regular_file(directory.file("epoch")));
}

TEST_CASE("small file: a directory reads as a damaged file and stops a write with a sentence") {
  const TemporaryDirectory directory;
  PosixSmallFile file(directory.file("epoch"));
  std::filesystem::create_directory(directory.file("epoch"));
  Result<std::optional<std::string>> text = file.read();
  REQUIRE(text);
  CHECK(*text == "");
  const Status written = file.write("new");
  REQUIRE_FALSE(written);
  CHECK(written.error().fault == Fault::kStop);
  CHECK(written.error().text.find("epoch is a directory") != std::string::npos);
}

TEST_CASE("create file: a private file is for its owner only, and an existing one stays as it is") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("a.key");
  const mode_t before = ::umask(0);
  const Status made = create_file(path, "secret", Readers::kOwner);
  const Status open = create_file(directory.file("a.csr"), "for all", Readers::kEverybody);
  ::umask(before);
  REQUIRE(made);
  REQUIRE(open);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  REQUIRE(::stat(directory.file("a.csr").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0644);
  const Status again = create_file(path, "other", Readers::kOwner);
  REQUIRE_FALSE(again);
  CHECK(again.error().text ==
        path + " exists already and is left as it is; name a new file, or move that one away");
  CHECK(**PosixSmallFile(path).read() == "secret");
}

TEST_CASE("create file: neither a link nor a device nor a missing folder is written to") {
  const TemporaryDirectory directory;
  std::filesystem::create_symlink(directory.file("target"), directory.file("link"));
  CHECK_FALSE(create_file(directory.file("link"), "secret", Readers::kOwner));
  CHECK_FALSE(std::filesystem::exists(directory.file("target")));
  CHECK_FALSE(create_file("/dev/null", "secret", Readers::kOwner));
  CHECK_FALSE(create_file(directory.file("missing/a.key"), "secret", Readers::kOwner));
  CHECK_FALSE(create_file("/dev/full", "secret", Readers::kOwner));
}

}  // namespace
}  // namespace outrider
