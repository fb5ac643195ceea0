// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "agent/store/gap.h"
#include "agent/store/schema.h"
#include "tests/unit/store/outbox_fixture.h"

namespace outrider {
namespace {

constexpr std::uint64_t kSmall = 1U << 20U;

Row row_at(int second, std::size_t bytes, std::uint32_t samples = 3) {
  Row row = row_of(std::string(bytes, 'x'), samples);
  row.boot = 1;
  row.time = BootTime(seconds(second));
  return row;
}

/// Appends one row a second and commits each, `rows` times.
void store(Outbox& outbox, StreamIndex stream, int from_second, int rows, std::size_t bytes) {
  for (int i = 0; i < rows; ++i) {
    REQUIRE(outbox.append(stream, row_at(from_second + i, bytes)));
    REQUIRE(outbox.commit());
  }
}

/// Every number is a row or inside a gap record, without holes; returns how many rows gap records report.
std::uint64_t check_covered(Outbox& outbox, StreamIndex stream, Sequence newest) {
  Sequence next = outbox.backlog(stream).oldest;
  std::uint64_t lost = 0;
  std::uint64_t samples = 0;
  for (const Row& row : read_all(outbox, stream)) {
    CHECK(row.seq == next);
    next = row.through + 1;
    if (row.format != RowFormat::kGap) {
      samples += row.samples;
      continue;
    }
    const Gap gap = parse_gap(row.payload);
    CHECK(gap.rows() == static_cast<std::uint64_t>(row.through - row.seq + 1));
    lost += gap.rows();
  }
  CHECK(next == newest + 1);
  CHECK(outbox.backlog(stream).samples == samples);
  check_closes(outbox.ledger(stream));
  return lost;
}

std::vector<Row> gaps_of(Outbox& outbox, StreamIndex stream) {
  std::vector<Row> gaps = read_all(outbox, stream);
  std::erase_if(gaps, [](const Row& row) { return row.format != RowFormat::kGap; });
  return gaps;
}

TEST_CASE("retention: the oldest telemetry makes room, events stay, and one gap record says what went") {
  for (const std::size_t bytes : {50U, 700U, 2500U, 30'000U}) {
    CAPTURE(bytes);
    OutboxFixture fixture;
    fixture.options.max_bytes = kSmall;
    Outbox& outbox = fixture.open();
    const StreamIndex telemetry = *outbox.stream("truck-17", Channel::kTelemetry);
    const StreamIndex events = *outbox.stream("truck-17", Channel::kEvents);
    store(outbox, events, 0, 5, 200);
    const int rows = static_cast<int>(3 * kSmall / bytes);
    for (int i = 0; i < rows;) {
      for (int k = 0; k < 20 && i < rows; ++k, ++i) REQUIRE(outbox.append(telemetry, row_at(i, bytes)));
      REQUIRE(outbox.commit());
      while (outbox.staged_rows() > 0) REQUIRE(outbox.commit());
    }
    const std::uint64_t lost = check_covered(outbox, telemetry, rows);
    CHECK(lost > static_cast<std::uint64_t>(rows) / 2);
    CHECK(lost < static_cast<std::uint64_t>(rows) - kSmall / bytes / 4);
    CHECK(outbox.ledger(telemetry).lost == 3 * lost);
    CHECK(outbox.losses(telemetry) == LossCounts{{"buffer_full", 3 * lost}});
    CHECK(outbox.backlog(events).rows == 5);
    CHECK(outbox.file_bytes() <= kSmall);
    const std::vector<Row> gaps = gaps_of(outbox, telemetry);
    REQUIRE(gaps.size() == 1);
    CHECK(gaps[0].seq == 1);
    CHECK(gaps[0].time == BootTime(seconds(0)));
    CHECK(parse_gap(gaps[0].payload).until == BootTime(seconds(gaps[0].through - 1)));
    CHECK(read_all(outbox, telemetry).back().seq == rows);
  }
}

TEST_CASE("retention: what was sent is never evicted, and a gap record that was sent does not grow") {
  OutboxFixture fixture;
  fixture.options.max_bytes = kSmall;
  Outbox& outbox = fixture.open();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  store(outbox, stream, 0, 20, 1000);
  outbox.note_sent(stream, 7);
  store(outbox, stream, 20, 2000, 1000);
  std::vector<Row> rows = read_all(outbox, stream);
  for (std::size_t i = 0; i < 7; ++i) CHECK(rows[i].format != RowFormat::kGap);
  CHECK(rows[7].seq == 8);
  REQUIRE(rows[7].format == RowFormat::kGap);
  const Sequence through = rows[7].through;

  outbox.note_sent(stream, through);
  store(outbox, stream, 2020, 1000, 1000);
  rows = read_all(outbox, stream);
  CHECK(rows[7].through == through);
  CHECK(rows[8].seq == through + 1);
  CHECK(rows[8].format == RowFormat::kGap);
  check_covered(outbox, stream, 3020);
  CHECK(gaps_of(outbox, stream).size() == 2);
}

TEST_CASE("retention: months of eviction, restarts and kills included, leave one gap record") {
  OutboxFixture fixture;
  fixture.options.max_bytes = kSmall;
  for (int life = 0; life < 6; ++life) {
    Outbox& outbox = life % 2 == 0 ? fixture.open() : fixture.crash();
    const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
    store(outbox, stream, life * 1000, 1000, 1500);
    check_covered(outbox, stream, (life + 1) * 1000);
  }
  CHECK(gaps_of(*fixture.outbox, 0).size() == 1);
  CHECK(fixture.outbox->losses(0).at("buffer_full") == fixture.outbox->ledger(0).lost);
}

TEST_CASE("retention: of several vehicles the one with the oldest rows gives way") {
  OutboxFixture fixture;
  fixture.options.max_bytes = kSmall;
  Outbox& outbox = fixture.open();
  const StreamIndex old = *outbox.stream("old", Channel::kTelemetry);
  const StreamIndex young = *outbox.stream("young", Channel::kTelemetry);
  store(outbox, old, 0, 100, 2000);
  store(outbox, young, 100, 50, 2000);
  for (int i = 0; i < 270; ++i) store(outbox, i % 2 == 0 ? old : young, 150 + i, 1, 2000);
  CHECK(outbox.ledger(old).lost > 0);
  CHECK(outbox.ledger(young).lost == 0);
  for (int i = 0; i < 400; ++i) store(outbox, i % 2 == 0 ? old : young, 420 + i, 1, 2000);
  CHECK(outbox.ledger(young).lost > 0);
  const auto first_time = [&](StreamIndex stream) { return read_all(outbox, stream)[1].time; };
  CHECK(std::chrono::abs(first_time(old) - first_time(young)) < seconds(60));
}

TEST_CASE("retention: events go when there is no telemetry left that may") {
  OutboxFixture fixture;
  fixture.options.max_bytes = kSmall;
  Outbox& outbox = fixture.open();
  const StreamIndex events = *outbox.stream("truck-17", Channel::kEvents);
  store(outbox, events, 0, 1000, 2000);
  CHECK(check_covered(outbox, events, 1000) > 100);
}

TEST_CASE("retention: rows that are too old expire, from the front and only there") {
  OutboxFixture fixture;
  Outbox& outbox = fixture.open();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  store(outbox, stream, 0, 100, 300);
  outbox.note_sent(stream, 10);
  const auto older_than = [](int second) {
    return
        [second](std::uint32_t boot, BootTime time) { return boot == 1 && time < BootTime(seconds(second)); };
  };
  REQUIRE(outbox.expire(older_than(5)));
  CHECK(outbox.ledger(stream).lost == 0);
  REQUIRE(outbox.expire(older_than(50)));
  CHECK(check_covered(outbox, stream, 100) == 40);
  REQUIRE(outbox.expire(older_than(60)));
  CHECK(check_covered(outbox, stream, 100) == 50);
  const std::vector<Row> gaps = gaps_of(outbox, stream);
  REQUIRE(gaps.size() == 1);
  CHECK(gaps[0].seq == 11);
  CHECK(gaps[0].through == 60);
  CHECK(outbox.losses(stream) == LossCounts{{"max_age", 150}});

  Outbox& after = fixture.crash();
  CHECK(check_covered(after, 0, 100) == 50);
}

TEST_CASE("retention: a gap record of several causes names what each of them took") {
  OutboxFixture fixture;
  fixture.options.max_bytes = kSmall;
  Outbox& outbox = fixture.open();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  store(outbox, stream, 0, 100, 1000);
  REQUIRE(outbox.expire([](std::uint32_t, BootTime time) { return time < BootTime(seconds(10)); }));
  store(outbox, stream, 100, 1500, 1000);
  const std::vector<Row> gaps = gaps_of(outbox, stream);
  REQUIRE(gaps.size() == 1);
  const Gap gap = parse_gap(gaps[0].payload);
  REQUIRE(gap.parts.size() == 2);
  CHECK(gap.parts[0].cause == "max_age");
  CHECK(gap.parts[0].rows == 10);
  CHECK(gap.parts[1].cause == "buffer_full");
  CHECK(gap.parts[1].samples == outbox.losses(stream).at("buffer_full"));
}

TEST_CASE("retention: losses that only a lost row had reported are told by the gap record in its place") {
  OutboxFixture fixture;
  fixture.options.max_bytes = kSmall;
  Outbox& outbox = fixture.open();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  for (int i = 0; i < 1500; ++i) {
    REQUIRE(outbox.append(stream, row_at(i, 1000, 2), losses_of(static_cast<std::uint64_t>(i % 3))));
    REQUIRE(outbox.commit());
  }
  REQUIRE(outbox.bury(stream, 1498, "too large"));
  std::uint64_t told = 0;
  for (const Row& row : read_all(outbox, stream))
    told += row.format == RowFormat::kGap ? parse_gap(row.payload).samples() : row.lost;
  CHECK(told == outbox.ledger(stream).lost);
  const Gap gap = parse_gap(gaps_of(outbox, stream).at(0).payload);
  REQUIRE(gap.parts.size() == 2);
  CHECK(gap.parts[1].cause == "lost_before");
  CHECK(gap.parts[1].rows == 0);
  CHECK(gap.rows() == static_cast<std::uint64_t>(gaps_of(outbox, stream).at(0).through));
}

TEST_CASE("outbox: a visitor leaves the note of how the last run ended") {
  OutboxFixture fixture;
  REQUIRE(fixture.open().append(*fixture.outbox->stream("truck-17", Channel::kTelemetry), row_of("x")));
  REQUIRE(fixture.outbox->commit());
  fixture.options.is_visit = true;
  CHECK(fixture.crash().was_unclean());
  fixture.options.is_visit = false;
  CHECK(fixture.open().was_unclean());
  CHECK_FALSE(fixture.open().was_unclean());
}

TEST_CASE("retention: to let old rows go between commits is no sign of trouble") {
  OutboxFixture fixture;
  Outbox& outbox = fixture.open();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  store(outbox, stream, 0, 10, 100);
  REQUIRE(outbox.append(stream, row_at(10, 100)));
  REQUIRE(outbox.expire([](std::uint32_t, BootTime time) { return time < BootTime(seconds(5)); }));
  CHECK(outbox.ledger(stream).lost == 15);
  CHECK_FALSE(outbox.health().is_failing);
  CHECK(outbox.health().used_bytes > 0);
}

TEST_CASE("retention: acknowledging a gap record ends it like any row") {
  OutboxFixture fixture;
  fixture.options.max_bytes = kSmall;
  Outbox& outbox = fixture.open();
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  store(outbox, stream, 0, 2000, 1000);
  const Row gap = gaps_of(outbox, stream).at(0);
  outbox.note_sent(stream, gap.through + 2);
  outbox.acknowledge(stream, gap.through + 2);
  REQUIRE(outbox.commit());
  CHECK(outbox.backlog(stream).oldest == gap.through + 3);
  CHECK(outbox.ledger(stream).delivered == 6);
  check_covered(outbox, stream, 2000);
}

TEST_CASE("losses: causes are durable with the row that brought them, and bounded") {
  OutboxFixture fixture;
  Outbox& before = fixture.open();
  const StreamIndex stream = *before.stream("truck-17", Channel::kTelemetry);
  REQUIRE(before.append(stream, row_of("x", 1), {{"can0.overrun", 4}, {"rpm.invalid", 1}}));
  REQUIRE(before.append(stream, row_of("x", 1), {{"can0.overrun", 3}}));
  CHECK(before.losses(stream).at("can0.overrun") == 7);
  REQUIRE(before.commit());
  REQUIRE(before.append(stream, row_of("x", 1), {{"can0.overrun", 100}}));
  Outbox& after = fixture.crash();
  CHECK(after.losses(0) == LossCounts{{"can0.overrun", 7}, {"rpm.invalid", 1}});
  for (int i = 0; i < 200; ++i) REQUIRE(after.append(0, row_of("x", 1), {{"cause " + std::to_string(i), 1}}));
  REQUIRE(after.commit());
  CHECK(after.losses(0).size() == Outbox::kMostStoredCauses);
  CHECK(total(after.losses(0)) == after.ledger(0).lost);
  const LossCounts stored = after.losses(0);
  CHECK(fixture.crash().losses(0) == stored);
}

}  // namespace
}  // namespace outrider
