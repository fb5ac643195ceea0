// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>

#include "agent/base/log.h"
#include "agent/store/gap.h"
#include "agent/store/sqlite.h"
#include "tests/unit/store/outbox_fixture.h"

namespace outrider {
namespace {

/// Changes the database behind the outbox's back.
void tamper(const std::string& path, const std::string& sql) {
  Result<std::unique_ptr<Database>> database = Database::open(path);
  REQUIRE(database);
  REQUIRE((*database)->execute(sql));
}

std::int64_t ask(const std::string& path, const std::string& sql) {
  Result<std::unique_ptr<Database>> database = Database::open(path);
  REQUIRE(database);
  return *(*database)->integer(sql);
}

Error open_error(OutboxFixture& fixture) {
  fixture.close();
  Result<std::unique_ptr<Outbox>> opened = Outbox::open(fixture.options, fixture.epoch_file);
  REQUIRE_FALSE(opened);
  return opened.error();
}

TEST_CASE("outbox: everything committed is there after a restart, and numbers go on") {
  OutboxFixture fixture;
  Outbox& before = fixture.open();
  const StreamIndex stream = *before.stream("truck-17", Channel::kTelemetry);
  for (int i = 0; i < 5; ++i) REQUIRE(before.append(stream, row_of("row", 2), losses_of(1)));
  REQUIRE(before.commit());
  before.acknowledge(stream, 2);
  REQUIRE(before.commit());

  Outbox& after = fixture.open();
  CHECK_FALSE(after.was_unclean());
  REQUIRE(after.streams().size() == 1);
  CHECK(after.streams()[0].vehicle_id == "truck-17");
  CHECK(numbers_of(read_all(after, 0)) == std::vector<Sequence>{3, 4, 5});
  CHECK(after.backlog(0).oldest == 3);
  CHECK(after.backlog(0).bytes == 9);
  const Ledger ledger = after.ledger(0);
  CHECK(ledger.sampled == 15);
  CHECK(ledger.delivered == 4);
  CHECK(ledger.waiting == 6);
  CHECK(ledger.lost == 5);
  CHECK(*after.append(*after.stream("truck-17", Channel::kTelemetry), row_of("next")) == 6);
}

TEST_CASE("outbox: numbers go on when everything was delivered and deleted") {
  OutboxFixture fixture;
  Outbox& before = fixture.open();
  const StreamIndex stream = *before.stream("truck-17", Channel::kTelemetry);
  for (int i = 0; i < 3; ++i) REQUIRE(before.append(stream, row_of("row")));
  REQUIRE(before.commit());
  before.acknowledge(stream, 3);
  REQUIRE(before.commit());

  Outbox& after = fixture.open();
  CHECK(after.streams().empty());
  const StreamIndex again = *after.stream("truck-17", Channel::kTelemetry);
  CHECK(after.backlog(again).newest == 3);
  CHECK(after.ledger(again).delivered == 3);
  CHECK(*after.append(again, row_of("next")) == 4);
}

TEST_CASE(
    "outbox: after a kill staged rows are gone, committed ones are not, and the stop counts as unclean") {
  OutboxFixture fixture;
  Outbox& before = fixture.open();
  CHECK_FALSE(before.was_unclean());
  const StreamIndex stream = *before.stream("truck-17", Channel::kTelemetry);
  REQUIRE(before.append(stream, row_of("committed")));
  REQUIRE(before.commit());
  REQUIRE(before.append(stream, row_of("staged")));

  Outbox& after = fixture.crash();
  CHECK(after.was_unclean());
  CHECK(read_all(after, 0)[0].payload == "committed");
  CHECK(*after.append(0, row_of("takes the number nobody saw")) == 2);
  REQUIRE(after.commit());
  CHECK_FALSE(fixture.open().was_unclean());
}

TEST_CASE("outbox: a stop that drops staged rows counts as unclean") {
  OutboxFixture fixture;
  Outbox& before = fixture.open();
  REQUIRE(before.append(*before.stream("truck-17", Channel::kTelemetry), row_of("staged")));
  CHECK(fixture.open().was_unclean());
}

TEST_CASE("outbox: acknowledged rows that were not deleted yet are not read after a restart") {
  OutboxFixture fixture;
  fixture.options.max_staged_bytes = 16U << 20U;
  Outbox& before = fixture.open();
  const StreamIndex stream = *before.stream("truck-17", Channel::kTelemetry);
  for (int i = 0; i < 10'000; ++i) REQUIRE(before.append(stream, row_of("row")));
  REQUIRE(before.commit());
  before.acknowledge(stream, 9'999);
  REQUIRE(before.commit());

  Outbox& after = fixture.open();
  CHECK(numbers_of(read_all(after, 0, 1)) == std::vector<Sequence>{10'000});
  CHECK(after.is_commit_due(BootTime(seconds(1))));
  REQUIRE(after.commit());
  REQUIRE(after.commit());
  fixture.close();
  CHECK(ask(fixture.options.path, "SELECT count(*) FROM row") == 1);
}

TEST_CASE("outbox: the epoch stays over restarts and moves on with a new database") {
  OutboxFixture fixture;
  fixture.options.random = 0x5F3A91C2;
  CHECK(fixture.open().epoch() == "1-5f3a91c2");
  CHECK(fixture.epoch_file.text == "1-5f3a91c2\n");
  fixture.options.random = 1;
  CHECK(fixture.open().epoch() == "1-5f3a91c2");
  CHECK(fixture.epoch_file.writes == 1);
  fixture.options.path = fixture.directory.file("other.db");
  CHECK(fixture.open().epoch() == "2-00000001");
}

TEST_CASE("outbox: a buffer that is gone while its epoch file is there is said, and only then") {
  std::string logged;
  set_log_sink([&logged](LogLevel, std::string_view line) { logged += line; });
  OutboxFixture fixture;
  fixture.open();
  fixture.open();
  CHECK(logged.empty());
  fixture.options.path = fixture.directory.file("fresh.db");
  fixture.open();
  set_log_sink({});
  CHECK(logged.find("fresh.db is gone") != std::string::npos);
  CHECK(logged.find(fixture.outbox->epoch()) != std::string::npos);
}

TEST_CASE("outbox: rows of a restored database go out under a new epoch, whose ledger begins with them") {
  OutboxFixture fixture;
  Outbox& before = fixture.open();
  const StreamIndex stream = *before.stream("truck-17", Channel::kTelemetry);
  for (int i = 0; i < 3; ++i) REQUIRE(before.append(stream, row_of("row", 10), losses_of(5)));
  REQUIRE(before.commit());
  before.acknowledge(stream, 1);
  REQUIRE(before.commit());
  fixture.close();
  fixture.epoch_file.text = "9-00000001\n";

  Outbox& after = fixture.open();
  CHECK(after.epoch().starts_with("10-"));
  const std::vector<Row> rows = read_all(after, 0);
  REQUIRE(numbers_of(rows) == std::vector<Sequence>{1, 2, 3});
  CHECK(rows[0].format == RowFormat::kGap);
  CHECK(rows[0].through == 1);
  const Gap gap = parse_gap(rows[0].payload);
  CHECK(gap.parts.at(0).cause == "earlier_epoch");
  CHECK(gap.samples() == 0);
  CHECK(after.ledger(0).sampled == 20);
  CHECK(after.ledger(0).waiting == 20);
  CHECK(fixture.open().epoch().starts_with("10-"));
}

TEST_CASE("outbox: when nothing waits, numbers begin with 1 under a new epoch") {
  OutboxFixture fixture;
  Outbox& before = fixture.open();
  const StreamIndex stream = *before.stream("truck-17", Channel::kTelemetry);
  for (int i = 0; i < 3; ++i) REQUIRE(before.append(stream, row_of("row", 10)));
  REQUIRE(before.commit());
  before.acknowledge(stream, 3);
  REQUIRE(before.commit());
  fixture.close();
  fixture.epoch_file.text = "9-00000001\n";

  Outbox& after = fixture.open();
  CHECK(after.epoch().starts_with("10-"));
  CHECK(*after.append(*after.stream("truck-17", Channel::kTelemetry), row_of("next")) == 1);
  REQUIRE(after.commit());
  CHECK(numbers_of(read_all(after, 0)) == std::vector<Sequence>{1});
}

TEST_CASE("outbox: an epoch file that cannot be written matters only when the epoch is new") {
  OutboxFixture fixture;
  fixture.epoch_file.is_read_only = true;
  CHECK(open_error(fixture).fault == Fault::kRetry);
  fixture.epoch_file.is_read_only = false;
  const std::string epoch = fixture.open().epoch();
  fixture.close();
  fixture.epoch_file.text.reset();
  fixture.epoch_file.is_read_only = true;
  CHECK(fixture.open().epoch() == epoch);
}

TEST_CASE("outbox: boots and offsets are remembered") {
  OutboxFixture fixture;
  Outbox& before = fixture.open();
  const std::uint32_t boot = before.boot("boot a");
  CHECK(before.boot("boot a") == boot);
  before.note_offset({boot, BootTime(seconds(50)), seconds(1000), true});
  before.note_offset({boot, BootTime(seconds(1)), seconds(10), false});
  before.note_offset({boot, BootTime(seconds(60)), seconds(1000) + nanoseconds(1), true});
  REQUIRE(before.commit());

  Outbox& after = fixture.open();
  CHECK(after.boot("boot a") == boot);
  REQUIRE(after.offsets().size() == 2);
  CHECK(after.offsets()[0].from == BootTime(seconds(1)));
  CHECK_FALSE(after.offsets()[0].is_synced);
  CHECK(after.offsets()[1].offset == seconds(1000));
  CHECK(after.offsets()[1].is_synced);
}

TEST_CASE("outbox: a boot that returns among others keeps the offsets of its waiting rows") {
  OutboxFixture fixture;
  const auto store = [&](Outbox& outbox, const std::string& boot_id) {
    Row row = row_of(boot_id);
    row.boot = outbox.boot(boot_id);
    outbox.note_offset({row.boot, BootTime(), seconds(row.boot), true});
    REQUIRE(outbox.append(*outbox.stream("truck-17", Channel::kTelemetry), row));
    REQUIRE(outbox.commit());
  };
  Outbox& first = fixture.open();
  for (const char* boot_id : {"a", "b", "a"}) store(first, boot_id);
  first.acknowledge(0, 1);
  REQUIRE(first.commit());
  Outbox& second = fixture.open();
  for (const char* boot_id : {"a", "c", "a"}) store(second, boot_id);
  second.acknowledge(0, 5);
  REQUIRE(second.commit());
  Outbox& third = fixture.open();
  const Row last = read_all(third, 0)[0];
  CHECK(std::any_of(third.offsets().begin(), third.offsets().end(),
                    [&](const OffsetEntry& entry) { return entry.boot == last.boot; }));
}

TEST_CASE("outbox: a clock that is corrected all the time costs bounded memory and keeps both ends") {
  OutboxFixture fixture;
  Outbox& outbox = fixture.open();
  const std::uint32_t boot = outbox.boot("boot");
  for (int i = 0; i < 10'000; ++i)
    outbox.note_offset({boot, BootTime(seconds(i)), milliseconds(10 * i), i >= 100});
  CHECK(outbox.offsets().size() <= 256);
  CHECK(outbox.offsets().front().from == BootTime());
  CHECK(outbox.offsets().back().from == BootTime(seconds(9'999)));
  CHECK(std::any_of(outbox.offsets().begin(), outbox.offsets().end(), [](const OffsetEntry& entry) {
    return entry.is_synced && entry.from == BootTime(seconds(100));
  }));
}

TEST_CASE("outbox: a second process is told that the buffer is in use") {
  OutboxFixture fixture;
  fixture.open();
  fixture.open();
  MemoryFile other_file;
  Result<std::unique_ptr<Outbox>> second = Outbox::open(fixture.options, other_file);
  REQUIRE_FALSE(second);
  CHECK(second.error().fault == Fault::kReject);
  CHECK(second.error().text.find("in use by another process") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(fixture.options.path + "-shm"));
}

TEST_CASE("outbox: a newer schema is moved aside unchanged, and a new buffer begins") {
  OutboxFixture fixture;
  const std::string before = fixture.open().epoch();
  fixture.close();
  tamper(fixture.options.path, "PRAGMA user_version=99");
  CHECK(fixture.open().epoch() != before);
  CHECK_FALSE(fixture.outbox->salvage_report());
  CHECK(ask(fixture.options.path + ".foreign-1", "PRAGMA user_version") == 99);
}

TEST_CASE("outbox: the database of another program is moved aside unchanged, and a new buffer begins") {
  OutboxFixture fixture;
  tamper(fixture.options.path, "CREATE TABLE song(title TEXT)");
  fixture.open();
  CHECK(ask(fixture.options.path + ".foreign-1", "SELECT count(*) FROM sqlite_schema") == 1);
  CHECK(fixture.outbox->append(*fixture.outbox->stream("truck-17", Channel::kTelemetry), row_of("row")));
}

TEST_CASE("outbox: a directory in the place of the buffer is moved aside") {
  OutboxFixture fixture;
  std::filesystem::create_directory(fixture.options.path);
  fixture.open();
  CHECK(std::filesystem::is_directory(fixture.options.path + ".foreign-1"));
}

/// Rights do not hold root back.
class WithoutRoot {
 public:
  WithoutRoot() : is_root_(::geteuid() == 0) {
    constexpr uid_t kNobody = 65534;
    if (is_root_) REQUIRE(::seteuid(kNobody) == 0);
  }
  ~WithoutRoot() {
    if (is_root_) ENSURE(::seteuid(0) == 0);
  }
  WithoutRoot(const WithoutRoot&) = delete;
  WithoutRoot& operator=(const WithoutRoot&) = delete;

 private:
  const bool is_root_;
};

TEST_CASE("outbox: a buffer that this user may not write is named as such, and the storage is not blamed") {
  namespace fs = std::filesystem;
  OutboxFixture fixture;
  fixture.open();
  fixture.close();
  const fs::perms may_look =
      fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec;
  const auto check_refused = [&] {
    Error error = retry("");
    {
      const WithoutRoot rights;
      error = open_error(fixture);
    }
    CAPTURE(error.text);
    CHECK(error.text.find(fixture.options.path + " is not writable by this user") != std::string::npos);
    CHECK(error.text.find("storage device") == std::string::npos);
  };
  fs::permissions(fixture.options.path, fs::perms::owner_read | fs::perms::others_read);
  fs::permissions(fixture.directory.path(), may_look);
  check_refused();
  fs::permissions(fixture.options.path, fs::perms::none);
  check_refused();
  fs::permissions(fixture.directory.path(), fs::perms::owner_all);
}

TEST_CASE("outbox: a directory that is not there stops with a sentence that names it") {
  OutboxFixture fixture;
  fixture.options.path = fixture.directory.file("missing/buffer.db");
  const Error error = open_error(fixture);
  CHECK(error.fault == Fault::kStop);
  CHECK(error.text.find("missing/buffer.db") != std::string::npos);
}

TEST_CASE("outbox: counters that do not fit the rows are made anew from the rows") {
  OutboxFixture fixture;
  Outbox& before = fixture.open();
  const StreamIndex stream = *before.stream("truck-17", Channel::kTelemetry);
  for (int i = 0; i < 4; ++i) REQUIRE(before.append(stream, row_of("row", 10)));
  REQUIRE(before.commit());
  fixture.close();
  tamper(fixture.options.path, "UPDATE stream SET waiting_rows = 1, sampled = 5, crc = -1");

  Outbox& after = fixture.open();
  after.acknowledge(0, 3);
  CHECK(after.backlog(0).rows == 1);
  CHECK(after.backlog(0).samples == 10);
  check_closes(after.ledger(0));
  REQUIRE(after.commit());
  check_closes(fixture.open().ledger(0));
}

TEST_CASE("outbox: the pragmas are ours, whatever the distribution's defaults") {
  OutboxFixture fixture;
  fixture.open();
  fixture.close();
  CHECK(ask(fixture.options.path, "PRAGMA page_size") == 4096);
  CHECK(ask(fixture.options.path, "PRAGMA auto_vacuum") == 0);
  CHECK(ask(fixture.options.path, "PRAGMA user_version") == 2);
  Result<std::unique_ptr<Database>> database = Database::open(fixture.options.path);
  CHECK(*(*database)->text("PRAGMA journal_mode") == "wal");
}

}  // namespace
}  // namespace outrider
