// SPDX-License-Identifier: Apache-2.0
#include "agent/store/outbox.h"

#include <doctest/doctest.h>

#include "tests/unit/store/outbox_fixture.h"

namespace outrider {
namespace {

/// On a private temporary database: nothing here needs the file to outlive the outbox.
struct TemporaryOutbox {
  explicit TemporaryOutbox(std::uint64_t max_staged_bytes = 1U << 20U) {
    OutboxOptions options;
    options.max_staged_bytes = max_staged_bytes;
    Result<std::unique_ptr<Outbox>> opened = Outbox::open(options, epoch_file);
    REQUIRE(opened);
    outbox = std::move(*opened);
    telemetry = *outbox->stream("truck-17", Channel::kTelemetry);
  }
  Outbox* operator->() { return outbox.get(); }
  Outbox& operator*() { return *outbox; }

  MemoryFile epoch_file;
  std::unique_ptr<Outbox> outbox;
  StreamIndex telemetry = 0;
};

constexpr std::size_t kAnyBytes = 1U << 30U;

TEST_CASE("outbox: rows come back in order, with everything that went in") {
  TemporaryOutbox outbox;
  Row row = row_of(std::string("with\0zero and \xFF", 15), 40);
  row.format = RowFormat::kEventJson;
  row.boot = 3;
  row.time = BootTime(nanoseconds(-5));
  CHECK(*outbox->append(outbox.telemetry, row) == 1);
  CHECK(*outbox->append(outbox.telemetry, row_of("")) == 2);
  REQUIRE(outbox->commit());

  const std::vector<Row> rows = read_all(*outbox, outbox.telemetry);
  REQUIRE(numbers_of(rows) == std::vector<Sequence>{1, 2});
  CHECK(rows[0].through == 1);
  CHECK(rows[0].format == RowFormat::kEventJson);
  CHECK(rows[0].samples == 40);
  CHECK(rows[0].boot == 3);
  CHECK(rows[0].time == BootTime(nanoseconds(-5)));
  CHECK(rows[0].payload == row.payload);
  CHECK(rows[1].payload.empty());
}

TEST_CASE("outbox: a row that was never committed is never read") {
  TemporaryOutbox outbox;
  REQUIRE(outbox->append(outbox.telemetry, row_of("a")));
  CHECK(read_all(*outbox, outbox.telemetry).empty());
  CHECK(outbox->staged_rows() == 1);
  CHECK(outbox->backlog(outbox.telemetry).rows == 0);
  REQUIRE(outbox->commit());
  CHECK(read_all(*outbox, outbox.telemetry).size() == 1);
  CHECK(outbox->staged_rows() == 0);
}

TEST_CASE("outbox: streams number and deliver independently of each other") {
  TemporaryOutbox outbox;
  const StreamIndex events = *outbox->stream("truck-17", Channel::kEvents);
  const StreamIndex other = *outbox->stream("truck-18", Channel::kTelemetry);
  REQUIRE(events != outbox.telemetry);
  REQUIRE(other != events);
  CHECK(*outbox->stream("truck-17", Channel::kEvents) == events);
  for (const StreamIndex stream : {outbox.telemetry, events, other, outbox.telemetry})
    REQUIRE(outbox->append(stream, row_of("stream " + std::to_string(stream))));
  REQUIRE(outbox->commit());
  outbox->acknowledge(outbox.telemetry, 2);
  REQUIRE(outbox->commit());

  CHECK(read_all(*outbox, outbox.telemetry).empty());
  CHECK(numbers_of(read_all(*outbox, events)) == std::vector<Sequence>{1});
  CHECK(read_all(*outbox, other)[0].payload == "stream " + std::to_string(other));
  REQUIRE(outbox->streams().size() == 3);
  CHECK(outbox->streams()[events].vehicle_id == "truck-17");
  CHECK(outbox->streams()[events].channel == Channel::kEvents);
}

TEST_CASE("outbox: a read stops at the bytes or rows it was given, but gives at least one row") {
  TemporaryOutbox outbox;
  for (int i = 0; i < 10; ++i) REQUIRE(outbox->append(outbox.telemetry, row_of(std::string(100, 'x'))));
  REQUIRE(outbox->commit());
  const auto count = [&](Sequence from, std::size_t bytes, std::size_t max_rows) {
    std::vector<Row> rows;
    REQUIRE(outbox->read(outbox.telemetry, from, bytes, max_rows, rows));
    return rows.size();
  };
  CHECK(count(1, kAnyBytes, 3) == 3);
  CHECK(count(1, 350, 100) == 3);
  CHECK(count(1, 300, 100) == 3);
  CHECK(count(1, 1, 100) == 1);
  CHECK(count(1, 0, 100) == 1);
  CHECK(count(9, kAnyBytes, 100) == 2);
  CHECK(count(11, kAnyBytes, 100) == 0);
  CHECK(count(1, kAnyBytes, 0) == 0);
}

TEST_CASE("outbox: reading appends to what is there") {
  TemporaryOutbox outbox;
  for (int i = 0; i < 3; ++i) REQUIRE(outbox->append(outbox.telemetry, row_of("x")));
  REQUIRE(outbox->commit());
  std::vector<Row> rows;
  REQUIRE(outbox->read(outbox.telemetry, 1, kAnyBytes, 1, rows));
  REQUIRE(outbox->read(outbox.telemetry, 2, kAnyBytes, 10, rows));
  CHECK(numbers_of(rows) == std::vector<Sequence>{1, 2, 3});
}

TEST_CASE("outbox: acknowledged rows are not read again, even before the next commit") {
  TemporaryOutbox outbox;
  for (int i = 0; i < 5; ++i) REQUIRE(outbox->append(outbox.telemetry, row_of("x")));
  REQUIRE(outbox->commit());
  outbox->acknowledge(outbox.telemetry, 3);
  CHECK(numbers_of(read_all(*outbox, outbox.telemetry)) == std::vector<Sequence>{4, 5});
  REQUIRE(outbox->commit());
  CHECK(numbers_of(read_all(*outbox, outbox.telemetry)) == std::vector<Sequence>{4, 5});
}

TEST_CASE("outbox: an acknowledgement repeats, goes back or runs ahead without harm") {
  TemporaryOutbox outbox;
  for (int i = 0; i < 5; ++i) REQUIRE(outbox->append(outbox.telemetry, row_of("x", 10)));
  REQUIRE(outbox->commit());
  outbox->acknowledge(outbox.telemetry, 3);
  outbox->acknowledge(outbox.telemetry, 3);
  outbox->acknowledge(outbox.telemetry, 1);
  outbox->acknowledge(outbox.telemetry, 0);
  CHECK(outbox->ledger(outbox.telemetry).delivered == 30);
  REQUIRE(outbox->append(outbox.telemetry, row_of("staged", 10)));
  outbox->acknowledge(outbox.telemetry, 1000);
  CHECK(outbox->ledger(outbox.telemetry).delivered == 50);
  CHECK(outbox->ledger(outbox.telemetry).waiting == 10);
  REQUIRE(outbox->commit());
  CHECK(numbers_of(read_all(*outbox, outbox.telemetry)) == std::vector<Sequence>{6});
}

TEST_CASE("outbox: the backlog tells what waits") {
  TemporaryOutbox outbox;
  const Backlog nothing = outbox->backlog(outbox.telemetry);
  CHECK(nothing.oldest == 0);
  CHECK(nothing.newest == 0);
  for (int i = 0; i < 4; ++i) REQUIRE(outbox->append(outbox.telemetry, row_of("12345", 3)));
  REQUIRE(outbox->commit());
  outbox->acknowledge(outbox.telemetry, 1);
  const Backlog some = outbox->backlog(outbox.telemetry);
  CHECK(some.oldest == 2);
  CHECK(some.newest == 4);
  CHECK(some.rows == 3);
  CHECK(some.samples == 9);
  CHECK(some.bytes == 15);
  outbox->acknowledge(outbox.telemetry, 4);
  const Backlog drained = outbox->backlog(outbox.telemetry);
  CHECK(drained.oldest == 0);
  CHECK(drained.newest == 4);
  CHECK(drained.rows == 0);
}

TEST_CASE("outbox: the ledger closes at every step, lost samples included") {
  TemporaryOutbox outbox;
  REQUIRE(outbox->append(outbox.telemetry, row_of("x", 10), losses_of(7)));
  Ledger ledger = outbox->ledger(outbox.telemetry);
  CHECK(ledger.sampled == 17);
  CHECK(ledger.waiting == 10);
  CHECK(ledger.lost == 7);
  REQUIRE(outbox->commit());
  REQUIRE(outbox->append(outbox.telemetry, row_of("x", 5)));
  outbox->acknowledge(outbox.telemetry, 1);
  ledger = outbox->ledger(outbox.telemetry);
  CHECK(ledger.sampled == 22);
  CHECK(ledger.delivered == 10);
  CHECK(ledger.waiting == 5);
  CHECK(ledger.lost == 7);
  check_closes(ledger);
}

TEST_CASE("outbox: when the memory for staged rows is full a row is refused, and no number is burnt") {
  TemporaryOutbox outbox(2000);
  REQUIRE(outbox->append(outbox.telemetry, row_of(std::string(900, 'x'), 5)));
  const Result<Sequence> refused =
      outbox->append(outbox.telemetry, row_of(std::string(2000, 'x'), 50), losses_of(3));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fault == Fault::kReject);
  CHECK(*outbox->append(outbox.telemetry, row_of("fits", 1), losses_of(50)) == 2);
  CHECK(outbox->ledger(outbox.telemetry).sampled == 56);
  REQUIRE(outbox->commit());
  CHECK(outbox->append(outbox.telemetry, row_of(std::string(1500, 'x'))));
}

TEST_CASE("outbox: a commit is due when something is staged and the interval since the last one is over") {
  TemporaryOutbox outbox;
  const auto due_at = [&](int ms) { return outbox->is_commit_due(BootTime(milliseconds(ms))); };
  REQUIRE(outbox->commit());
  CHECK_FALSE(due_at(10'000));
  REQUIRE(outbox->append(outbox.telemetry, row_of("first")));
  CHECK(due_at(10'000));
  CHECK(due_at(10'000));
  REQUIRE(outbox->commit());
  CHECK_FALSE(due_at(20'000));
  REQUIRE(outbox->append(outbox.telemetry, row_of("second")));
  CHECK_FALSE(due_at(10'499));
  CHECK(due_at(10'500));
}

TEST_CASE("outbox: a commit is due early when half of the staging memory is used") {
  TemporaryOutbox outbox(10'000);
  REQUIRE(outbox->append(outbox.telemetry, row_of("x")));
  REQUIRE(outbox->is_commit_due(BootTime(seconds(100))));
  REQUIRE(outbox->commit());
  REQUIRE(outbox->append(outbox.telemetry, row_of("x")));
  CHECK_FALSE(outbox->is_commit_due(BootTime(seconds(100))));
  REQUIRE(outbox->append(outbox.telemetry, row_of(std::string(5000, 'x'))));
  CHECK(outbox->is_commit_due(BootTime(seconds(100))));
}

TEST_CASE("outbox: an acknowledgement alone makes a commit due") {
  TemporaryOutbox outbox;
  REQUIRE(outbox->append(outbox.telemetry, row_of("x")));
  REQUIRE(outbox->is_commit_due(BootTime(seconds(1))));
  REQUIRE(outbox->commit());
  outbox->acknowledge(outbox.telemetry, 1);
  CHECK_FALSE(outbox->is_commit_due(BootTime(milliseconds(1100))));
  CHECK(outbox->is_commit_due(BootTime(seconds(2))));
}

TEST_CASE("outbox: 20 000 acknowledged rows go away in steps, and a commit stays due until they have") {
  TemporaryOutbox outbox(16U << 20U);
  for (int i = 0; i < 20'000; ++i) REQUIRE(outbox->append(outbox.telemetry, row_of("x")));
  REQUIRE(outbox->commit());
  outbox->acknowledge(outbox.telemetry, 20'000);
  int commits = 0;
  BootTime now(seconds(1));
  while (outbox->is_commit_due(now += seconds(1))) {
    REQUIRE(outbox->commit());
    REQUIRE(++commits < 20);
    CHECK(read_all(*outbox, outbox.telemetry).empty());
  }
  CHECK(commits == 5);
}

}  // namespace
}  // namespace outrider
