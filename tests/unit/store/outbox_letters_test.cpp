// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>

#include "agent/store/gap.h"
#include "agent/store/schema.h"
#include "agent/store/sqlite.h"
#include "tests/unit/store/outbox_fixture.h"

namespace outrider {
namespace {

/// A stream of five committed rows of two samples.
StreamIndex five_rows(Outbox& outbox) {
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  for (int i = 1; i <= 5; ++i) REQUIRE(outbox.append(stream, row_of("row " + std::to_string(i), 2)));
  REQUIRE(outbox.commit());
  return stream;
}

TEST_CASE("dead letters: a buried row is kept with its reason, and a gap record takes its place") {
  OutboxFixture fixture;
  Outbox& before = fixture.open();
  const StreamIndex stream = five_rows(before);
  REQUIRE(before.bury(stream, 3, "payload format invalid"));
  CHECK(before.health().dead_letters == 1);

  Outbox& after = fixture.crash();
  const std::vector<Row> rows = read_all(after, 0);
  CHECK(numbers_of(rows) == std::vector<Sequence>{1, 2, 3, 4, 5});
  REQUIRE(rows[2].format == RowFormat::kGap);
  const Gap gap = parse_gap(rows[2].payload);
  REQUIRE(gap.parts.size() == 1);
  CHECK(gap.parts[0].cause == "refused");
  CHECK(gap.samples() == 2);
  CHECK(after.ledger(0).lost == 2);
  CHECK(after.losses(0) == LossCounts{{"refused", 2}});
  check_closes(after.ledger(0));

  const Result<std::vector<DeadLetter>> letters = after.dead_letters(0, 100);
  REQUIRE(letters);
  REQUIRE(letters->size() == 1);
  const DeadLetter& letter = letters->front();
  CHECK(letter.row.payload == "row 3");
  CHECK(letter.row.seq == 3);
  CHECK(letter.row.samples == 2);
  CHECK(letter.reason == "payload format invalid");
  CHECK(letter.epoch == after.epoch());
  CHECK(after.streams()[letter.stream].vehicle_id == "truck-17");
}

TEST_CASE("dead letters: only a committed row with samples that waits can be buried") {
  OutboxFixture fixture;
  Outbox& outbox = fixture.open();
  const StreamIndex stream = five_rows(outbox);
  outbox.acknowledge(stream, 1);
  REQUIRE(outbox.append(stream, row_of("staged")));
  REQUIRE(outbox.bury(stream, 2, "x"));
  for (const Sequence seq : {1, 2, 6, 7}) {
    const Status refused = outbox.bury(stream, seq, "x");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::kReject);
  }
  CHECK(outbox.health().dead_letters == 1);
}

TEST_CASE("dead letters: requeued, the row gets a new number and the letter goes with its commit") {
  OutboxFixture fixture;
  Outbox& before = fixture.open();
  const StreamIndex stream = five_rows(before);
  REQUIRE(before.bury(stream, 2, "x"));
  const std::int64_t id = before.dead_letters(0, 1)->front().id;
  CHECK(*before.requeue(id) == 6);
  CHECK_FALSE(before.requeue(id));
  CHECK(fixture.crash().dead_letters(0, 10)->size() == 1);

  Outbox& after = *fixture.outbox;
  CHECK(*after.requeue(id) == 6);
  REQUIRE(after.commit());
  CHECK(after.dead_letters(0, 10)->empty());
  CHECK(after.health().dead_letters == 0);
  CHECK(read_all(after, 0).back().payload == "row 2");
  check_closes(after.ledger(0));
  CHECK_FALSE(after.requeue(id));
}

TEST_CASE("dead letters: there is room for so many, and the oldest go") {
  OutboxFixture fixture;
  fixture.options.max_bytes = 1U << 20U;
  Outbox& outbox = fixture.open();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  for (int i = 1; i <= 100; ++i) {
    REQUIRE(outbox.append(stream, row_of(std::string(5000, 'x'))));
    REQUIRE(outbox.commit());
    REQUIRE(outbox.bury(stream, i, "x"));
  }
  const Result<std::vector<DeadLetter>> letters = outbox.dead_letters(0, 1000);
  REQUIRE(letters);
  CHECK(letters->size() >= 5);
  CHECK(letters->size() * 5000 <= limits_for(1U << 20U).letter_bytes);
  CHECK(letters->back().row.seq == 100);
  CHECK(outbox.health().dead_letters == letters->size());
  CHECK(outbox.ledger(stream).lost == 100);
  CHECK(fixture.crash().health().dead_letters == letters->size());
}

TEST_CASE("dead letters: a row that is not what was written becomes one, and the stream goes on") {
  OutboxFixture fixture;
  five_rows(fixture.open());
  fixture.close();
  for (const char* damage : {"UPDATE row SET payload = CAST('r0w 2' AS BLOB) WHERE id & 0xFFFF = 2",
                             "UPDATE row SET format = 2 WHERE id & 0xFFFF = 3",
                             "UPDATE row SET boot_ns = 1 WHERE id & 0xFFFF = 5"}) {
    auto database = Database::open(fixture.options.path);
    REQUIRE(database);
    REQUIRE((*database)->execute(damage));
  }
  Outbox& outbox = fixture.open();
  CHECK(read_all(outbox, 0).size() == 1);  // up to the damage: that is dealt with when it comes first
  std::vector<Row> all;
  for (Sequence next = 1; next <= 5;) {
    std::vector<Row> some;
    REQUIRE(outbox.read(0, next, 1U << 20U, 100, some));
    REQUIRE(!some.empty());
    next = some.back().through + 1;
    all.insert(all.end(), some.begin(), some.end());
  }
  REQUIRE(numbers_of(all) == std::vector<Sequence>{1, 2, 3, 4, 5});
  for (const std::size_t damaged : {1U, 2U, 4U}) CHECK(all[damaged].format == RowFormat::kGap);
  for (const std::size_t good : {0U, 3U}) CHECK(all[good].payload == "row " + std::to_string(good + 1));
  CHECK(outbox.dead_letters(0, 10)->size() == 3);
  CHECK(outbox.losses(0).count("damaged") == 1);
}

TEST_CASE("dead letters: a damaged gap record is replaced by one that covers the same numbers") {
  OutboxFixture fixture;
  const StreamIndex stream = five_rows(fixture.open());
  REQUIRE(fixture.outbox->bury(stream, 2, "x"));
  REQUIRE(fixture.outbox->bury(stream, 3, "x"));
  fixture.close();
  {
    auto database = Database::open(fixture.options.path);
    REQUIRE(database);
    REQUIRE(
        (*database)->execute("UPDATE row SET span = 77, payload = x'00' WHERE id & 0xFFFF = 3;"
                             "UPDATE row SET format = 4, samples = 4000000 WHERE id & 0xFFFF = 5"));
  }
  Outbox& outbox = fixture.open();
  std::vector<Sequence> ends;
  for (Sequence next = 1; next <= 5;) {
    std::vector<Row> some;
    REQUIRE(outbox.read(0, next, 1U << 20U, 1, some));
    REQUIRE(some.size() == 1);
    next = some.back().through + 1;
    ends.push_back(some.back().through);
  }
  CHECK(ends == std::vector<Sequence>{1, 2, 3, 4, 5});
  CHECK(outbox.ledger(0).lost == 6);
  CHECK(outbox.ledger(0).waiting == 4);
  CHECK(outbox.losses(0) == LossCounts{{"damaged", 2}, {"refused", 4}});
  check_closes(outbox.ledger(0));
}

TEST_CASE("dead letters: a row that comes back keeps the boot that its time belongs to") {
  OutboxFixture fixture;
  REQUIRE(run_in_boot(fixture, "a").bury(0, 1, "x"));
  Outbox& outbox = run_in_boot(fixture, "b");
  REQUIRE(outbox.requeue(outbox.dead_letters(0, 1)->front().id));
  REQUIRE(outbox.commit());
  outbox.acknowledge(0, 1);
  REQUIRE(outbox.commit());
  Outbox& after = run_in_boot(fixture, "c");
  const std::vector<Row> rows = read_all(after, 0);
  REQUIRE(rows.size() == 3);
  CHECK(std::any_of(after.offsets().begin(), after.offsets().end(),
                    [&](const OffsetEntry& entry) { return entry.boot == rows[1].boot; }));
}

TEST_CASE("outbox: a file of the first schema is taken over with its rows") {
  OutboxFixture fixture;
  five_rows(fixture.open());
  fixture.close();
  {
    auto database = Database::open(fixture.options.path);
    REQUIRE(database);
    REQUIRE(
        (*database)->execute("ALTER TABLE row DROP COLUMN crc; ALTER TABLE stream DROP COLUMN sent;"
                             "ALTER TABLE stream DROP COLUMN crc;"
                             "ALTER TABLE boot DROP COLUMN crc; ALTER TABLE clock_offset DROP COLUMN crc;"
                             "PRAGMA user_version = 1"));
  }
  Outbox& outbox = fixture.open();
  CHECK(read_all(outbox, 0).size() == 5);
  REQUIRE(outbox.append(0, row_of("row 6")));
  REQUIRE(outbox.commit());
  REQUIRE(outbox.bury(0, 6, "x"));
  CHECK(read_all(fixture.crash(), 0).size() == 6);
}

}  // namespace
}  // namespace outrider
