// SPDX-License-Identifier: Apache-2.0
// What the buffer knows of boots and their clocks, when storage changed it.
#include <doctest/doctest.h>

#include "agent/base/log.h"
#include "agent/store/damaged_buffer.h"
#include "agent/store/sqlite.h"
#include "tests/unit/store/outbox_fixture.h"

namespace outrider {
namespace {

/// A buffer with two boots and three offsets, and a row of each boot that waits.
struct Clocks {
  Clocks() {
    Outbox& outbox = fixture.open();
    const StreamIndex stream = *outbox.stream("truck", Channel::kTelemetry);
    for (const char* boot_id : {"first boot", "second boot"}) {
      Row row = row_of(boot_id);
      row.boot = outbox.boot(boot_id);
      outbox.note_offset(
          {.boot = row.boot, .from = BootTime(), .offset = std::chrono::hours(row.boot), .is_synced = true});
      REQUIRE(outbox.append(stream, std::move(row)));
    }
    outbox.note_offset(
        {.boot = 2, .from = BootTime(seconds(60)), .offset = std::chrono::hours(50), .is_synced = true});
    REQUIRE(outbox.commit());
    fixture.close();
  }

  void damage(const std::string& sql) const {
    const auto database = Database::open(fixture.options.path);
    REQUIRE(database);
    REQUIRE((*database)->execute(sql));
  }

  /// Offsets in hours.
  static std::vector<int> offsets(const std::vector<OffsetEntry>& entries) {
    std::vector<int> hours;
    hours.reserve(entries.size());
    for (const OffsetEntry& entry : entries)
      hours.push_back(static_cast<int>(std::chrono::duration_cast<std::chrono::hours>(entry.offset).count()));
    return hours;
  }

  OutboxFixture fixture;
};

struct ListeningLog {
  ListeningLog() {
    set_log_sink([this](LogLevel, std::string_view line) { text += line; });
  }
  ~ListeningLog() { set_log_sink({}); }
  ListeningLog(const ListeningLog&) = delete;
  ListeningLog& operator=(const ListeningLog&) = delete;
  std::string text;
};

}  // namespace

TEST_CASE("boot table: an offset that is not what was written is not believed, and told once") {
  Clocks clocks;
  clocks.damage("UPDATE clock_offset SET offset_ns = 7 WHERE boot = 2 AND from_ns = 0");
  {
    const ListeningLog log;
    Outbox& outbox = clocks.fixture.open();
    CHECK(Clocks::offsets(outbox.offsets()) == std::vector<int>{1, 50});
    CHECK(log.text.find("1 rows of the buffer about how clocks went") != std::string::npos);
    CHECK(numbers_of(read_all(outbox, 0)) == std::vector<Sequence>{1, 2});
    REQUIRE(outbox.commit());
  }
  const ListeningLog log;
  CHECK(Clocks::offsets(clocks.fixture.open().offsets()) == std::vector<int>{1, 50});
  CHECK(log.text.empty());
}

TEST_CASE("boot table: a boot that is not what was written keeps its key and its offsets, but no name") {
  Clocks clocks;
  clocks.damage(
      "UPDATE boot SET boot_id = 'fifth boot' WHERE id = 1; UPDATE boot SET series = 9 WHERE id = 2");
  Outbox& outbox = clocks.fixture.open();
  CHECK(outbox.boot_id(1) == "unknown");
  CHECK(outbox.boot_id(2) == "unknown");
  CHECK(outbox.boot("second boot") == 3);
  CHECK(Clocks::offsets(outbox.offsets()) == std::vector<int>{1, 2, 50});
  REQUIRE(outbox.commit());
  CHECK(clocks.fixture.open().boot_id(3) == "second boot");
}

TEST_CASE("boot table: what looks at a buffer from outside does not believe a damaged offset either") {
  const Clocks clocks;
  clocks.damage("UPDATE clock_offset SET is_synced = 0 WHERE boot = 1");
  const auto damaged = DamagedBuffer::open(clocks.fixture.options.path);
  REQUIRE(damaged);
  CHECK(Clocks::offsets((*damaged)->offsets()) == std::vector<int>{2, 50});
  CHECK((*damaged)->boots().at(1) == "first boot");
}

TEST_CASE("boot table: a salvage leaves a damaged offset behind") {
  Clocks clocks;
  clocks.damage("UPDATE clock_offset SET offset_ns = offset_ns + 1 WHERE from_ns > 0");
  const ListeningLog log;
  clocks.fixture.options.is_known_damaged = true;
  Outbox& outbox = clocks.fixture.open();
  CHECK(Clocks::offsets(outbox.offsets()) == std::vector<int>{1, 2});
  CHECK(outbox.boot_id(2) == "second boot");
  CHECK(numbers_of(read_all(outbox, 0)) == std::vector<Sequence>{1, 2});
}

TEST_CASE("outbox: a boot is forgotten when no waiting row refers to it, and not before") {
  OutboxFixture fixture;
  for (int i = 0; i < 40; ++i) run_in_boot(fixture, "boot " + std::to_string(i));
  CHECK(fixture.outbox->offsets().size() == 40);

  fixture.outbox->acknowledge(0, 30);
  REQUIRE(fixture.outbox->commit());
  Outbox& outbox = run_in_boot(fixture, "boot 40");
  REQUIRE(outbox.offsets().size() == 11);
  CHECK(outbox.offsets()[0].boot == read_all(outbox, 0)[0].boot);

  outbox.acknowledge(0, 41);
  REQUIRE(outbox.commit());
  run_in_boot(fixture, "boot 41");
  fixture.close();
  const auto database = Database::open(fixture.options.path);
  REQUIRE(database);
  CHECK(*(*database)->integer("SELECT count(*) FROM boot") == 2);
  CHECK(*(*database)->integer("SELECT count(*) FROM clock_offset") == 2);
}

}  // namespace outrider
