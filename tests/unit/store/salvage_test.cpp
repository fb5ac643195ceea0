// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "agent/base/log.h"
#include "agent/store/damaged_buffer.h"
#include "agent/store/gap.h"
#include "agent/store/set_aside.h"
#include "agent/store/sqlite.h"
#include "tests/unit/store/outbox_fixture.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;

constexpr int kRows = 200;
constexpr std::uint64_t kPage = 4096;

class Silence {
 public:
  Silence() {
    set_log_sink([](LogLevel, std::string_view) {});
  }
  ~Silence() { set_log_sink({}); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
};

std::string payload_of(int number) { return "row " + std::to_string(number) + std::string(700, '.'); }

void fill(Outbox& outbox) {
  const StreamIndex stream = *outbox.stream("truck-17", Channel::kTelemetry);
  for (int i = 1; i <= kRows; ++i) REQUIRE(outbox.append(stream, row_of(payload_of(i), 10)));
  REQUIRE(outbox.commit());
}

void write_at(const std::string& path, std::uint64_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file << bytes;
}

/// Where the page with the payload of a row begins.
std::uint64_t page_with(const std::string& path, int number) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t at = bytes.find(payload_of(number));
  REQUIRE(at != std::string::npos);
  return at / kPage * kPage;
}

/// An orderly end, so that everything lies in the file.
struct Closed : OutboxFixture {
  Closed() {
    fill(open());
    epoch = outbox->epoch();
    close();
  }
  Outbox& salvage() {
    options.is_known_damaged = true;
    Outbox& opened = open();
    options.is_known_damaged = false;
    REQUIRE(opened.salvage_report());
    return opened;
  }
  std::string epoch;
  Silence silence;
};

TEST_CASE("salvage: a page that is gone costs its rows, which a gap record tells; all others are there") {
  Closed fixture;
  write_at(fixture.options.path, page_with(fixture.options.path, 100), std::string(kPage, '\0'));
  Outbox& outbox = fixture.salvage();
  CHECK(outbox.epoch() == fixture.epoch);
  const std::vector<Row> rows = read_all(outbox, 0);
  std::uint64_t lost = 0;
  for (const Row& row : rows) {
    if (row.format != RowFormat::kGap) {
      CHECK(row.payload == payload_of(static_cast<int>(row.seq)));
      continue;
    }
    CHECK(row.seq <= 100);
    CHECK(row.through >= 100);
    const Gap gap = parse_gap(row.payload);
    CHECK(gap.parts[0].cause == "damaged");
    CHECK(gap.samples() == 10 * gap.rows());
    lost += gap.rows();
  }
  CHECK(lost > 0);
  CHECK(lost < 10);
  CHECK(outbox.salvage_report()->lost_rows == lost);
  CHECK(rows.size() == kRows - lost + 1);
  CHECK(rows.back().through == kRows);
  CHECK(outbox.losses(0).at("damaged") == 10 * lost);
  check_closes(outbox.ledger(0));
  CHECK(*outbox.append(0, row_of("next")) == kRows + 1);
}

TEST_CASE("salvage: counters that are not what was written are not believed, and a new epoch begins") {
  Closed fixture;
  {
    auto database = Database::open(fixture.options.path);
    REQUIRE((*database)->execute("UPDATE stream SET next_seq = next_seq - 50"));
  }
  Outbox& outbox = fixture.open();
  REQUIRE(outbox.salvage_report());
  CHECK(outbox.epoch() != fixture.epoch);
  CHECK(numbers_of(read_all(outbox, 0)).size() == kRows);
  CHECK(*outbox.append(0, row_of("next")) == kRows + 1);
}

TEST_CASE("salvage: what was acknowledged is not brought back, also when the first page is gone") {
  Closed fixture;
  fixture.open().acknowledge(0, 150);
  REQUIRE(fixture.outbox->commit());
  fixture.close();
  write_at(fixture.options.path, 0, std::string(kPage, '\0'));
  Outbox& outbox = fixture.open();
  REQUIRE(outbox.salvage_report());
  CHECK(outbox.epoch() != fixture.epoch);
  CHECK(outbox.streams()[0].vehicle_id == "truck-17");
  const std::vector<Row> rows = read_all(outbox, 0);
  REQUIRE(rows.size() == kRows - 150 + 1);
  CHECK(rows[0].format == RowFormat::kGap);
  CHECK(rows[0].through == 150);
  CHECK(rows[1].seq == 151);
  CHECK(rows.back().seq == kRows);
}

TEST_CASE(
    "salvage: a log that is lost after a kill begins a new epoch, one that went at an orderly end does not") {
  const Silence silence;
  OutboxFixture fixture;
  fill(fixture.open());
  const std::string epoch = fixture.outbox->epoch();
  CHECK(fixture.open().epoch() == epoch);
  const std::string copy = fixture.directory.file("killed.db");
  fs::copy_file(fixture.options.path, copy);
  fixture.close();
  fixture.options.path = copy;
  CHECK(fixture.open().epoch() != epoch);
  REQUIRE(fixture.outbox->salvage_report());
  CHECK(fixture.outbox->salvage_report()->is_new_epoch);
}

TEST_CASE("salvage: cut off in the middle it begins again, and nothing is lost or twice there") {
  Closed fixture;
  const std::string path = fixture.options.path;
  fs::rename(path, path + ".salvage");
  {
    OutboxFixture part;
    REQUIRE(part.open().append(*part.outbox->stream("truck-17", Channel::kTelemetry), row_of("half done")));
    REQUIRE(part.outbox->commit());
    part.close();
    fs::copy_file(part.options.path, path);
    auto database = Database::open(path);
    REQUIRE((*database)->execute("INSERT INTO meta VALUES('salvage', 'running')"));
  }
  Outbox& outbox = fixture.open();
  CHECK(read_all(outbox, 0).size() == kRows);
  CHECK(outbox.epoch() == fixture.epoch);
  CHECK(fs::exists(path + ".damaged-1"));
  CHECK_FALSE(fs::exists(path + ".salvage"));
}

TEST_CASE("salvage: a move that was cut off between the files is finished") {
  const Silence silence;
  OutboxFixture fixture;
  fill(fixture.open());
  Outbox& killed = fixture.crash();
  CHECK(read_all(killed, 0).size() == kRows);
  REQUIRE(killed.append(0, row_of("in the log")));
  REQUIRE(killed.commit());
  const std::string from = fixture.options.path;
  const std::string path = fixture.directory.file("moved.db");
  fs::copy_file(from, path);
  fs::copy_file(from + "-wal", path + ".salvage-wal");
  fixture.close();
  fixture.options.path = path;
  Outbox& outbox = fixture.open();
  REQUIRE(outbox.salvage_report());
  const std::vector<Row> rows = read_all(outbox, 0);
  CHECK(rows.size() == kRows + 1);
  CHECK(rows.back().payload == "in the log");
}

TEST_CASE(
    "salvage: with too little room the oldest telemetry stays behind, reported, and events come along") {
  Closed fixture;
  Outbox& filled = fixture.open();
  REQUIRE(*filled.stream("truck-17", Channel::kEvents) == 1);
  for (int i = 0; i < 5; ++i) REQUIRE(filled.append(1, row_of("event")));
  REQUIRE(filled.commit());
  fixture.close();
  fixture.options.max_bytes = 1;  // the least there is
  Outbox& outbox = fixture.salvage();
  const std::vector<Row> rows = read_all(outbox, 0);
  REQUIRE(rows.front().format == RowFormat::kGap);
  CHECK(parse_gap(rows.front().payload).parts[0].cause == "disk_full");
  CHECK(rows.back().payload == payload_of(kRows));
  CHECK(rows.size() > 10);
  CHECK(rows.size() < kRows);
  CHECK(read_all(outbox, 1).size() == 5);
  check_closes(outbox.ledger(0));
}

TEST_CASE("salvage: a check that takes too long is ended, and the buffer is used as it is") {
  const Silence silence;
  OutboxFixture fixture;
  fill(fixture.open());
  int questions = 0;
  fixture.options.may_check_on = [&questions] { return ++questions < 1; };
  CHECK_FALSE(fixture.crash().salvage_report());
  CHECK(questions == 1);
  CHECK(read_all(*fixture.outbox, 0).size() == kRows);
}

TEST_CASE("salvage: a buffer that was removed while in use is made again under an epoch that was not there") {
  Closed fixture;
  fs::remove(fixture.options.path);
  fixture.epoch_file.text.reset();
  fixture.options.least_epoch = 7;
  Outbox& outbox = fixture.salvage();
  CHECK(outbox.epoch().starts_with("8-"));
  CHECK(outbox.streams().empty());
}

TEST_CASE("salvage: dead letters, boots and times come along") {
  Closed fixture;
  Outbox& before = fixture.open();
  const std::uint32_t boot = before.boot("boot a");
  before.note_offset({boot, BootTime(), seconds(1000), true});
  REQUIRE(before.commit());
  REQUIRE(before.bury(0, 3, "refused by policy"));
  fixture.close();
  Outbox& outbox = fixture.salvage();
  REQUIRE(outbox.dead_letters(0, 10)->size() == 1);
  CHECK(outbox.dead_letters(0, 10)->front().row.payload == payload_of(3));
  CHECK(outbox.boot("boot a") == boot);
  REQUIRE(outbox.offsets().size() == 1);
  CHECK(outbox.offsets()[0].offset == seconds(1000));
}

TEST_CASE("damaged buffer: one that is in use is left alone") {
  OutboxFixture fixture;
  fill(fixture.open());
  const auto damaged = DamagedBuffer::open(fixture.options.path);
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().fault == Fault::kReject);
  CHECK(fixture.outbox->append(0, row_of("goes on")));
  CHECK(fixture.outbox->commit());
}

TEST_CASE("damaged buffer: its rows can be looked at in order, and nothing is changed") {
  Closed fixture;
  write_at(fixture.options.path, 0, std::string(100, '\0'));
  const auto time = fs::last_write_time(fixture.options.path);
  const auto damaged = DamagedBuffer::open(fixture.options.path);
  REQUIRE(damaged);
  Sequence last = 0;
  REQUIRE((*damaged)->visit_rows([&](StreamIndex, const Row& row) {
    CHECK(row.seq == last + 1);
    last = row.seq;
    return ok();
  }));
  CHECK(last == kRows);
  CHECK(fs::last_write_time(fixture.options.path) == time);
}

}  // namespace
}  // namespace outrider
