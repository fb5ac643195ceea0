// SPDX-License-Identifier: Apache-2.0
#include "agent/store/sqlite.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/temporary_directory.h"

namespace outrider {
namespace {

std::unique_ptr<Database> open_log(const std::string& path) {
  auto database = std::move(*Database::open(path));
  REQUIRE(
      database->execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                        "PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x)"));
  return database;
}

TEST_CASE("database: counts the bytes that go into the log and, at a checkpoint, into the file") {
  const TemporaryDirectory directory;
  const auto database = open_log(directory.file("a.db"));
  const std::uintmax_t log_before = std::filesystem::file_size(directory.file("a.db-wal"));
  const IoCounters before = database->io_counters();
  REQUIRE(database->execute("INSERT INTO t VALUES(zeroblob(100000))"));
  const std::uintmax_t log = std::filesystem::file_size(directory.file("a.db-wal"));
  const IoCounters committed = database->io_counters();
  CHECK(committed.written_bytes - before.written_bytes == log - log_before);
  CHECK(committed.syncs == before.syncs + 1);

  REQUIRE(database->checkpoint());
  const std::int64_t file = *database->integer("PRAGMA page_count") * *database->integer("PRAGMA page_size");
  CHECK(database->io_counters().written_bytes - committed.written_bytes == static_cast<std::uint64_t>(file));
  CHECK(database->io_counters().syncs >= committed.syncs + 1);
}

TEST_CASE("database: reading costs no flash, and two connections count for themselves") {
  const TemporaryDirectory directory;
  const auto one = open_log(directory.file("one.db"));
  const auto other = open_log(directory.file("other.db"));
  const IoCounters before = one->io_counters();
  REQUIRE(other->execute("INSERT INTO t VALUES(1)"));
  REQUIRE(one->integer("SELECT count(*) FROM t"));
  CHECK(one->io_counters().written_bytes == before.written_bytes);
  CHECK(one->io_counters().syncs == before.syncs);
  CHECK(other->io_counters().written_bytes > before.written_bytes);
}

TEST_CASE("database: an error of the file system keeps its reason through the counting layer") {
  const auto refused = Database::open("/dev/null/a.db");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fault == Fault::kStop);
  CHECK(refused.error().text.find("cannot be opened") != std::string::npos);
}

}  // namespace
}  // namespace outrider
