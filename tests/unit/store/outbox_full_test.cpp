// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "agent/base/log.h"
#include "agent/store/schema.h"
#include "tests/unit/store/outbox_fixture.h"

namespace outrider {
namespace {

constexpr std::uint64_t kSmall = 512U << 10U;

/// Appends and commits until the buffer is full of rows that were sent and so may not go; returns how many rows are in
/// it. One more row stays staged.
std::uint64_t fill(Outbox& outbox, StreamIndex stream, std::size_t bytes) {
  for (int i = 0; i < 100'000; ++i) {
    REQUIRE(outbox.append(stream, row_of(std::string(bytes, 'x'), 2)));
    const Status written = outbox.commit();
    outbox.note_sent(stream, outbox.backlog(stream).newest);
    if (written) continue;
    CHECK(written.error().fault == Fault::kRetry);
    CHECK(written.error().text.find("buffer.max_bytes") != std::string::npos);
    return outbox.backlog(stream).rows;
  }
  FAIL("the buffer never became full");
  return 0;
}

TEST_CASE("outbox: a full buffer keeps what it has, asks to retry, and goes on when rows were delivered") {
  for (const std::size_t bytes : {100U, 1000U, 10'000U}) {
    CAPTURE(bytes);
    OutboxFixture fixture;
    fixture.options.max_bytes = kSmall;
    Outbox& outbox = fixture.open();
    const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
    const std::uint64_t rows = fill(outbox, stream, bytes);
    CHECK(rows > 10);
    CHECK(outbox.file_bytes() <= kSmall * 5 / 4);
    CHECK(outbox.staged_rows() == 1);
    CHECK(read_all(outbox, stream).size() == rows);
    check_closes(outbox.ledger(stream));

    outbox.acknowledge(stream, static_cast<Sequence>(rows / 2));
    Status written = outbox.commit();
    if (!written) written = outbox.commit();
    REQUIRE(written);
    CHECK(outbox.staged_rows() == 0);
    CHECK(read_all(outbox, stream).back().seq == static_cast<Sequence>(rows) + 1);
    check_closes(outbox.ledger(stream));
  }
}

TEST_CASE("outbox: in a full buffer acknowledgements are durable at once") {
  OutboxFixture fixture;
  fixture.options.max_bytes = kSmall;
  Outbox& before = fixture.open();
  const StreamIndex stream = *before.stream("truck-17", Channel::kTelemetry);
  const auto rows = static_cast<Sequence>(fill(before, stream, 2000));
  for (int i = 0; i < 200; ++i) REQUIRE(before.append(stream, row_of(std::string(2000, 'x'), 2)));
  before.acknowledge(stream, 5);
  static_cast<void>(before.commit());  // there may be room for a few rows, or not
  const Sequence newest = before.backlog(stream).newest;
  CHECK(before.staged_rows() == static_cast<std::uint64_t>(201 - (newest - rows)));
  CHECK(before.staged_rows() > 190);

  Outbox& after = fixture.crash();
  CHECK(after.backlog(0).oldest == 6);
  CHECK(after.backlog(0).newest == newest);
  check_closes(after.ledger(0));
}

TEST_CASE("outbox: while the buffer is full only the interval makes a commit due") {
  OutboxFixture fixture;
  fixture.options.max_bytes = kSmall;
  fixture.options.max_staged_bytes = 20'000;
  Outbox& outbox = fixture.open();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  fill(outbox, stream, 2000);
  for (int i = 0; i < 5; ++i) REQUIRE(outbox.append(stream, row_of(std::string(2000, 'x'))));
  REQUIRE(outbox.is_commit_due(BootTime(seconds(10))));
  REQUIRE_FALSE(outbox.commit());
  CHECK_FALSE(outbox.is_commit_due(BootTime(milliseconds(10'100))));
  CHECK(outbox.is_commit_due(BootTime(milliseconds(10'500))));
}

TEST_CASE(
    "outbox: more staged rows than the buffer can hold go in part by part, in order, until all are out") {
  for (const std::size_t bytes : {10U, 2000U, 20'000U}) {
    CAPTURE(bytes);
    OutboxFixture fixture;
    fixture.options.max_bytes = fixture.options.max_staged_bytes = 1U << 20U;
    Outbox& outbox = fixture.open();
    const std::vector<StreamIndex> streams = {*outbox.stream("truck-17", Channel::kTelemetry),
                                              *outbox.stream("truck-17", Channel::kEvents)};
    std::vector<Sequence> appended(streams.size());
    for (std::size_t i = 0; Result<Sequence> number = outbox.append(
                                streams[i % 2], row_of(std::string(bytes, 'x'), 3), losses_of(1));
         ++i)
      appended[i % 2] = *number;
    REQUIRE(appended[0] > 10);

    std::vector<Sequence> delivered(streams.size());
    for (int round = 0; round < 100 && delivered != appended; ++round) {
      const std::uint64_t staged = outbox.staged_rows();
      const Status written = outbox.commit();
      REQUIRE(written);
      CHECK((staged == 0 || outbox.staged_rows() < staged));
      for (std::size_t i = 0; i < streams.size(); ++i) {
        for (const Row& row : read_all(outbox, streams[i])) REQUIRE(row.seq == ++delivered[i]);
        outbox.acknowledge(streams[i], delivered[i]);
        check_closes(outbox.ledger(streams[i]));
      }
    }
    CHECK(delivered == appended);
    CHECK(outbox.staged_rows() == 0);
    for (std::size_t i = 0; i < streams.size(); ++i) {
      CHECK(outbox.ledger(streams[i]).delivered == static_cast<std::uint64_t>(3 * appended[i]));
      CHECK(outbox.ledger(streams[i]).lost == static_cast<std::uint64_t>(appended[i]));
    }
    REQUIRE(outbox.append(streams[0], row_of("x")));  // the memory for staged rows is free again
  }
}

TEST_CASE("outbox: rows whose payloads are more than the file also go in part by part, and survive a kill") {
  OutboxFixture fixture;
  fixture.options.max_bytes = fixture.options.max_staged_bytes = 1U << 20U;
  Outbox& before = fixture.open();
  const StreamIndex stream = *before.stream("truck-17", Channel::kTelemetry);
  Sequence appended = 0;
  while (Result<Sequence> number = before.append(stream, row_of(std::string(20'000, 'x'))))
    appended = *number;
  REQUIRE(before.commit());
  const Sequence written = before.backlog(stream).newest;
  REQUIRE(written > 0);
  REQUIRE(written < appended);
  CHECK(before.staged_rows() == static_cast<std::uint64_t>(appended - written));
  CHECK_FALSE(
      before.is_commit_due(BootTime()));  // only the interval counts, though half of the memory is in use

  Outbox& after = fixture.crash();
  CHECK(after.backlog(0).newest == written);
  CHECK(read_all(after, 0).size() == static_cast<std::size_t>(written));
  check_closes(after.ledger(0));
}

TEST_CASE("outbox: that it is full is told once, and once that it has room again") {
  std::vector<std::string> lines;
  set_log_sink([&lines](LogLevel, std::string_view line) { lines.emplace_back(line); });
  OutboxFixture fixture;
  fixture.options.max_bytes = kSmall;
  fixture.options.min_free_disk = 0;
  Outbox& outbox = fixture.open();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  lines.clear();
  BootTime now{};
  const auto store = [&](std::size_t bytes, bool is_delivered) {
    REQUIRE(outbox.append(stream, row_of(std::string(bytes, 'x'))));
    REQUIRE(outbox.is_commit_due(now += seconds(1)));
    REQUIRE(outbox.commit());
    if (is_delivered) outbox.acknowledge(stream, outbox.backlog(stream).newest);
  };
  // For ten minutes, as bursts that are delivered and bursts that are not take turns.
  for (int i = 0; i < 600; ++i) store(9000, i % 50 > 40);
  REQUIRE(outbox.ledger(stream).lost > 0);
  REQUIRE(lines.size() == 1);
  CHECK(lines.back().find("the buffer is full") != std::string::npos);
  for (int i = 0; i < 70; ++i) store(10, true);
  REQUIRE(lines.size() == 2);
  CHECK(lines.back().find("has room again") != std::string::npos);

  for (int i = 0; i < 5; ++i) outbox.note_given_up("there is no room for it");
  for (int i = 0; i < 50; ++i) store(10, true);
  outbox.note_given_up("there is no room for it");
  for (int i = 0; i < 50; ++i) store(10, true);
  REQUIRE(lines.size() == 3);
  CHECK(lines.back().find("no room for it") != std::string::npos);
  for (int i = 0; i < 20; ++i) store(10, true);
  REQUIRE(lines.size() == 4);
  CHECK(lines.back().find("no row was given up for a minute") != std::string::npos);
  set_log_sink({});
}

TEST_CASE("outbox: the largest row that is accepted fits, and a larger one is rejected at once") {
  for (const std::uint64_t max_bytes : {std::uint64_t{1}, std::uint64_t{1} << 20U, std::uint64_t{8} << 20U}) {
    CAPTURE(max_bytes);
    OutboxFixture fixture;
    fixture.options.max_bytes = max_bytes;
    fixture.options.max_staged_bytes = 64U << 20U;
    const std::uint64_t most = limits_for(max_bytes).max_row_bytes;
    Outbox& outbox = fixture.open();
    const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
    const Result<Sequence> rejected = outbox.append(stream, row_of(std::string(most + 1, 'x')));
    REQUIRE_FALSE(rejected);
    CHECK(rejected.error().fault == Fault::kReject);
    CHECK(rejected.error().text.find("buffer.max_bytes") != std::string::npos);
    for (Sequence number = 1; number <= 3; ++number) {
      CHECK(*outbox.append(stream, row_of(std::string(most, 'x'))) == number);
      REQUIRE(outbox.commit());
      outbox.acknowledge(stream, number);
    }
  }
}

TEST_CASE("outbox: a full buffer opens again, and so does one whose limit became smaller than the file") {
  OutboxFixture fixture;
  fixture.options.max_bytes = 2U << 20U;
  Outbox& full = fixture.open();
  const StreamIndex stream = *full.stream("truck-17", Channel::kTelemetry);
  const std::uint64_t rows = fill(full, stream, 2000);
  CHECK(fixture.open().backlog(0).rows == rows);
  fixture.close();

  const std::uint64_t before = std::filesystem::file_size(fixture.options.path);
  fixture.options.max_bytes = kSmall;
  Outbox& smaller = fixture.open();
  REQUIRE(smaller.append(0, row_of(std::string(60'000, 'x'))));
  REQUIRE_FALSE(smaller.commit());
  smaller.acknowledge(0, static_cast<Sequence>(rows));
  Status written = smaller.commit();
  if (!written) written = smaller.commit();
  REQUIRE(written);
  CHECK(smaller.backlog(0).rows == 1);
  fixture.close();
  CHECK(std::filesystem::file_size(fixture.options.path) <= before + 64 * kPageBytes);
}

TEST_CASE("outbox: the log beside the file counts against the limit") {
  for (const std::uint64_t max_bytes : {1ULL << 20U, 64ULL << 20U, 1ULL << 32U}) {
    const StoreLimits limits = limits_for(max_bytes);
    CHECK(static_cast<std::uint64_t>((limits.database_pages + limits.wal_pages) * kPageBytes) <= max_bytes);
    CHECK(limits.wal_pages >= 16);
  }
}

}  // namespace
}  // namespace outrider
