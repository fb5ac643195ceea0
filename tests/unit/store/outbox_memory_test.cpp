// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/store/outbox_fixture.h"

namespace outrider {
namespace {

struct LiveFixture : OutboxFixture {
  LiveFixture() { options.memory_window = seconds(30); }

  Outbox& open_live() {
    Outbox& opened = open();
    static_cast<void>(opened.is_commit_due(now));  // what time it is
    REQUIRE(opened.commit());
    opened.set_live(true);
    return opened;
  }
  BootTime now{seconds(100)};
};

TEST_CASE("memory window: rows that are acknowledged in time are delivered and never written") {
  LiveFixture fixture;
  Outbox& outbox = fixture.open_live();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  REQUIRE(outbox.commit());
  const std::uint64_t written = outbox.health().written_bytes;
  for (int i = 1; i <= 50; ++i) {
    REQUIRE(outbox.append(stream, row_of(std::string(5000, 'x'), 2), losses_of(1)));
    fixture.now += milliseconds(500);
    CHECK_FALSE(outbox.is_commit_due(fixture.now));
    const std::vector<Row> rows = read_all(outbox, stream);
    REQUIRE(numbers_of(rows) == std::vector<Sequence>{i});
    CHECK(outbox.backlog(stream).rows == 1);
    outbox.note_sent(stream, i);
    outbox.acknowledge(stream, i);
    CHECK(outbox.backlog(stream).rows == 0);
    check_closes(outbox.ledger(stream));
  }
  CHECK(outbox.ledger(stream).delivered == 100);
  CHECK(outbox.losses(stream) == losses_of(50));
  CHECK(outbox.staged_rows() == 0);
  CHECK(outbox.health().written_bytes == written);
  fixture.now += seconds(30);
  CHECK(outbox.is_commit_due(fixture.now));  // the counters
  REQUIRE(outbox.commit());
  CHECK(outbox.health().written_bytes < written + 50'000);

  const std::string epoch = outbox.epoch();
  Outbox& after = fixture.open();
  CHECK(after.epoch() == epoch);
  CHECK(*after.append(*after.stream("truck-17", Channel::kTelemetry), row_of("x")) == 51);
  CHECK(after.ledger(0).delivered == 100);
  CHECK(after.losses(0) == losses_of(50));
}

TEST_CASE("memory window: when the link is lost, or the window is over, what waits is written") {
  LiveFixture fixture;
  Outbox& outbox = fixture.open_live();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  for (int i = 0; i < 3; ++i) REQUIRE(outbox.append(stream, row_of("row")));
  outbox.note_sent(stream, 2);
  outbox.acknowledge(stream, 1);
  fixture.now += seconds(1);
  CHECK_FALSE(outbox.is_commit_due(fixture.now));
  outbox.set_live(false);
  REQUIRE(outbox.is_commit_due(fixture.now));
  REQUIRE(outbox.commit());
  CHECK(outbox.staged_rows() == 0);
  CHECK(numbers_of(read_all(outbox, stream)) == std::vector<Sequence>{2, 3});

  outbox.set_live(true);
  REQUIRE(outbox.append(stream, row_of("row")));
  CHECK(numbers_of(read_all(outbox, stream)) ==
        std::vector<Sequence>{2, 3, 4});  // from the file and from memory
  outbox.acknowledge(stream, 4);
  CHECK(outbox.backlog(stream).rows == 0);
  CHECK(outbox.ledger(stream).delivered == 4);
  REQUIRE(outbox.append(stream, row_of("row")));
  CHECK_FALSE(outbox.is_commit_due(fixture.now + seconds(29)));
  CHECK(outbox.is_commit_due(fixture.now + seconds(30)));
  check_closes(outbox.ledger(stream));
}

TEST_CASE("memory window: after a kill numbers could repeat, so another epoch begins") {
  LiveFixture fixture;
  Outbox& before = fixture.open_live();
  const StreamIndex stream = *before.stream("truck-17", Channel::kTelemetry);
  REQUIRE(before.append(stream, row_of("written")));
  REQUIRE(before.commit());
  REQUIRE(before.append(stream, row_of("sent from memory")));
  CHECK(read_all(before, stream).back().seq == 2);
  const std::string epoch = before.epoch();
  Outbox& after = fixture.crash();
  CHECK(after.epoch() != epoch);
  CHECK(read_all(after, 0).size() == 1);
  check_closes(after.ledger(0));
}

TEST_CASE("memory window: no more rows are read from memory than were asked for") {
  LiveFixture fixture;
  Outbox& outbox = fixture.open_live();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  for (int i = 0; i < 5; ++i) REQUIRE(outbox.append(stream, row_of(std::string(100, 'x'))));
  std::vector<Row> rows;
  REQUIRE(outbox.read(stream, 0, 1U << 20U, 2, rows));
  CHECK(numbers_of(rows) == std::vector<Sequence>{1, 2});
  REQUIRE(outbox.read(stream, 3, 150, 100, rows));
  CHECK(numbers_of(rows) == std::vector<Sequence>{1, 2, 3});
}

TEST_CASE("memory window: events are written as soon as ever") {
  LiveFixture fixture;
  Outbox& outbox = fixture.open_live();
  REQUIRE(outbox.append(*outbox.stream("truck-17", Channel::kEvents), row_of("event")));
  CHECK(outbox.is_commit_due(fixture.now + milliseconds(500)));
}

TEST_CASE("memory window: a row that is refused is written before it is buried") {
  LiveFixture fixture;
  Outbox& outbox = fixture.open_live();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  REQUIRE(outbox.append(stream, row_of("row", 4)));
  outbox.note_sent(stream, 1);
  REQUIRE(outbox.bury(stream, 1, "too large"));
  CHECK(outbox.ledger(stream).lost == 4);
  const std::int64_t id = outbox.dead_letters(0, 1)->front().id;
  REQUIRE(outbox.requeue(id));
  CHECK(numbers_of(read_all(outbox, stream)) ==
        std::vector<Sequence>{1});  // the gap; the row is not written yet
  CHECK(outbox.is_commit_due(fixture.now + milliseconds(500)));
  REQUIRE(outbox.commit());
  CHECK(numbers_of(read_all(outbox, stream)) == std::vector<Sequence>{1, 2});
}

}  // namespace
}  // namespace outrider
