// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "agent/store/schema.h"
#include "tests/unit/store/outbox_fixture.h"

namespace outrider {
namespace {

constexpr std::uint64_t kSmall = 512U << 10U;

/// Appends and commits until the buffer is full; returns how many rows are in it. One more row stays staged.
std::uint64_t fill(Outbox& outbox, StreamIndex stream, std::size_t bytes) {
  for (int i = 0; i < 100'000; ++i) {
    REQUIRE(outbox.append(stream, row_of(std::string(bytes, 'x'), 2)));
    const Status written = outbox.commit();
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
  REQUIRE_FALSE(before.commit());
  CHECK(before.staged_rows() == 201);

  Outbox& after = fixture.crash();
  CHECK(after.backlog(0).oldest == 6);
  CHECK(after.backlog(0).newest == rows);
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
