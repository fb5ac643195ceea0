// SPDX-License-Identifier: Apache-2.0
#include "agent/store/move_rows.h"

#include <doctest/doctest.h>

#include "tests/unit/store/outbox_fixture.h"

namespace outrider {
namespace {

/// A buffer in memory, as where no file can be made, and the file that can be made at last.
struct Move {
  Move() {
    OutboxOptions options{.path = "", .in_memory_because = "the disk is full"};
    options.max_bytes = 256U << 10U;
    options.random = 7;
    memory = std::move(*Outbox::open(options, no_file));
    telemetry = *memory->stream("truck", Channel::kTelemetry);
    events = *memory->stream("truck", Channel::kEvents);
  }

  /// The stream in the file.
  StreamIndex telemetry_of_file() { return *file().stream("truck", Channel::kTelemetry); }
  Outbox& file() { return fixture.open_or_same(); }

  OutboxFixture fixture;
  MemoryFile no_file;
  std::unique_ptr<Outbox> memory;
  StreamIndex telemetry{};
  StreamIndex events{};
};

Row at(Row row, std::uint32_t boot, milliseconds time) {
  row.boot = boot;
  row.time = BootTime(time);
  return row;
}

}  // namespace

TEST_CASE("outbox: one in memory says that it is, and why") {
  const Move move;
  CHECK(move.memory->health().is_in_memory);
  CHECK(move.memory->health().last_error == "the disk is full");
  CHECK(move.memory->file_bytes() == 0);
}

TEST_CASE("outbox: held back, it shows what the broker was given and nothing more") {
  Move move;
  Outbox& outbox = *move.memory;
  for (const char* payload : {"a", "b", "c"}) REQUIRE(outbox.append(move.telemetry, row_of(payload)));
  REQUIRE(outbox.commit());
  CHECK(outbox.is_settled());
  outbox.note_sent(move.telemetry, 2);
  CHECK_FALSE(outbox.is_settled());
  outbox.hold_back(true);
  CHECK(numbers_of(read_all(outbox, move.telemetry)) == std::vector<Sequence>{1, 2});
  outbox.acknowledge(move.telemetry, 2);
  CHECK(outbox.is_settled());
  CHECK(read_all(outbox, move.telemetry).empty());
  outbox.hold_back(false);
  CHECK(numbers_of(read_all(outbox, move.telemetry)) == std::vector<Sequence>{3});
}

TEST_CASE("move rows: what waits gets numbers behind what is in the file, and keeps its time") {
  Move move;
  const std::uint32_t boot = move.memory->boot("this boot");
  move.memory->note_offset(
      {.boot = boot, .from = BootTime(), .offset = std::chrono::hours(5), .is_synced = true});
  for (int i = 0; i < 3; ++i)
    REQUIRE(move.memory->append(move.telemetry,
                                at(row_of("row " + std::to_string(i), 10), boot, milliseconds(i)),
                                losses_of(i == 2 ? 4 : 0)));
  REQUIRE(move.memory->append(move.events, row_of("event", 0)));
  REQUIRE(move.memory->commit());
  move.memory->note_sent(move.telemetry, 1);
  move.memory->acknowledge(move.telemetry, 1);

  Outbox& file = move.file();
  CHECK(file.boot("an earlier boot") == 1);
  const StreamIndex telemetry = move.telemetry_of_file();
  REQUIRE(file.append(telemetry, row_of("older", 5)));
  REQUIRE(file.commit());
  const MovedRows moved = move_rows(*move.memory, file);
  CHECK(moved.rows == 3);
  CHECK(moved.samples == 20);
  CHECK(moved.newly_lost_samples == 0);
  CHECK(file.staged_rows() == 0);

  const std::vector<Row> rows = read_all(file, telemetry);
  CHECK(numbers_of(rows) == std::vector<Sequence>{1, 2, 3});
  CHECK(rows[1].payload == "row 1");
  CHECK(rows[2].payload == "row 2");
  CHECK(rows[2].lost == 4);
  CHECK(file.boot_id(rows[1].boot) == "this boot");
  CHECK(rows[1].time == BootTime(milliseconds(1)));
  REQUIRE(file.offsets().size() == 1);
  CHECK(file.offsets().front().boot == rows[1].boot);
  CHECK(file.offsets().front().offset == std::chrono::hours(5));
  CHECK(read_all(file, *file.stream("truck", Channel::kEvents)).size() == 1);
  CHECK(file.ledger(telemetry).sampled == 29);
  CHECK(file.ledger(telemetry).lost == 4);
  check_closes(file.ledger(telemetry));
  CHECK(file.epoch() != move.memory->epoch());
}

TEST_CASE("move rows: losses whose gap record stays behind are handed back by cause") {
  Move move;
  const std::string payload(4000, 'x');
  std::uint64_t sampled = 0;
  for (; move.memory->ledger(move.telemetry).lost == 0; sampled += 2) {
    REQUIRE(move.memory->append(move.telemetry, row_of(payload, 2)));
    REQUIRE(move.memory->commit());
  }
  const MovedRows moved = move_rows(*move.memory, move.file());
  CHECK(moved.losses[move.telemetry] ==
        LossCounts{{"buffer_full", move.memory->ledger(move.telemetry).lost}});
  CHECK(moved.newly_lost_samples == 0);
  CHECK(moved.samples + total(moved.losses[move.telemetry]) == sampled);
  CHECK(move.file().ledger(move.telemetry_of_file()).waiting == moved.samples);
}

TEST_CASE("move rows: what the file can neither write nor stage is handed back as lost") {
  Move move;
  for (int i = 0; i < 5; ++i) REQUIRE(move.memory->append(move.telemetry, row_of(std::string(3000, 'x'), 2)));
  REQUIRE(move.memory->append(move.events, row_of(std::string(70'000, 'y'), 0)));
  REQUIRE(move.memory->commit());
  move.fixture.options.max_bytes = 256U << 10U;
  move.fixture.options.max_staged_bytes = 64U << 10U;  // one event is more
  REQUIRE(move.memory->staged_rows() == 0);
  const MovedRows moved = move_rows(*move.memory, move.file());
  CHECK(moved.rows == 5);
  CHECK(moved.newly_lost_events == 1);
  CHECK(moved.losses[move.events] == LossCounts{{"events.buffer_full", 1}});
  CHECK(moved.losses[move.telemetry].empty());
}

}  // namespace outrider
