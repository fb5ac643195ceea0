// SPDX-License-Identifier: Apache-2.0
// A real buffer is damaged in every way we could think of, opened, and asked what became of each row.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "agent/base/log.h"
#include "agent/store/gap.h"
#include "agent/store/outbox.h"
#include "agent/store/sqlite.h"
#include "tests/crash/outbox_corruption_attacks.h"
#include "tests/support/memory_file.h"
#include "tests/support/temporary_directory.h"

namespace outrider {
namespace {

namespace fs = std::filesystem;
using Random = CorruptionRandom;

struct StreamKey {
  const char* vehicle;
  Channel channel;
};
constexpr std::array<StreamKey, 3> kStreams = {
    {{"truck-17", Channel::kTelemetry}, {"truck-17", Channel::kEvents}, {"van-4", Channel::kTelemetry}}};

/// A row's content is one random number, from which its size and samples follow.
Row row_with(std::uint64_t content) {
  static constexpr std::array<std::size_t, 6> kSizes = {8, 60, 300, 900, 5'000, 20'000};
  Row row;
  row.samples = static_cast<std::uint32_t>(content % 100);
  row.payload.resize(kSizes[content % kSizes.size()], static_cast<char>('a' + content % 26));
  std::memcpy(row.payload.data(), &content, sizeof(content));
  return row;
}

bool is_as_appended(const Row& row) {
  std::uint64_t content = 0;
  if (row.payload.size() < sizeof(content)) return false;
  std::memcpy(&content, row.payload.data(), sizeof(content));
  const Row expected = row_with(content);
  return row.payload == expected.payload && row.samples == expected.samples;
}

/// A buffer, and what was true of it before it was damaged.
class Subject {
 public:
  struct Known {
    std::map<Sequence, std::string> contents;  ///< Of every committed row.
    Sequence acked = 0;
    Sequence newest = 0;
    Sequence before_last_commit = 0;
  };

  explicit Subject(std::uint64_t seed) : random(seed) {
    options.path = directory.file("outrider.db");
    options.max_bytes = 4U << 20U;
    options.random = random();
  }

  Outbox& open() {
    outbox.reset();
    Result<std::unique_ptr<Outbox>> opened = Outbox::open(options, epoch_file);
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().text));
    outbox = std::move(*opened);
    return *outbox;
  }

  void fill() {
    Outbox& buffer = open();
    for (std::size_t i = 0; i < kStreams.size(); ++i)
      indexes[i] = *buffer.stream(kStreams[i].vehicle, kStreams[i].channel);
    const std::uint32_t boot = buffer.boot("boot");
    buffer.note_offset({boot, BootTime(), seconds(1'000'000), true});
    const std::uint64_t rows = 50 + random() % 600;
    for (std::uint64_t i = 0; i < rows; ++i) {
      Row row = row_with(random());
      row.boot = boot;
      row.time = BootTime(milliseconds(i));
      REQUIRE(buffer.append(indexes[random() % kStreams.size()], row));
      if (random() % 8 == 0) commit();
      if (random() % 40 == 0) acknowledge();
    }
    commit();
    for (std::size_t i = 0; i < kStreams.size(); ++i) remember(i);
    epoch = buffer.epoch();
  }

  /// What kill -9 leaves, or an orderly end.
  void end(bool is_kill) {
    const std::string copy = directory.file("copy");
    if (is_kill)
      for (const char* part : {"", "-wal"})
        if (fs::exists(options.path + part)) fs::copy_file(options.path + part, copy + part);
    outbox.reset();
    if (is_kill)
      for (const char* part : {"", "-wal"})
        if (fs::exists(copy + part)) fs::rename(copy + part, options.path + part);
  }

  TemporaryDirectory directory;
  MemoryFile epoch_file;
  OutboxOptions options;
  Random random;
  std::unique_ptr<Outbox> outbox;
  std::array<StreamIndex, kStreams.size()> indexes{};
  std::array<Known, kStreams.size()> known;
  std::string epoch;

 private:
  void commit() {
    if (outbox->staged_rows() == 0) return;
    for (std::size_t i = 0; i < kStreams.size(); ++i)
      known[i].before_last_commit = outbox->backlog(indexes[i]).newest;
    REQUIRE(outbox->commit());
  }

  void acknowledge() {
    const std::size_t i = random() % kStreams.size();
    std::vector<Row> rows;
    REQUIRE(outbox->read(indexes[i], 0, 1ULL << 30U, 1 + random() % 40, rows));
    if (rows.empty()) return;
    outbox->note_sent(indexes[i], rows.back().through);
    outbox->acknowledge(indexes[i], rows.back().through);
    known[i].acked = rows.back().through;
  }

  void remember(std::size_t i) {
    std::vector<Row> rows;
    REQUIRE(outbox->read(indexes[i], 0, 1ULL << 30U, 1U << 30U, rows));
    for (const Row& row : rows) known[i].contents[row.seq] = row.payload;
    known[i].newest = outbox->backlog(indexes[i]).newest;
  }
};

// Attacks.

// Judgement.

struct Tally {
  std::uint64_t repetitions = 0;
  std::uint64_t salvages = 0;
  std::uint64_t new_epochs = 0;
  std::uint64_t rows = 0;        ///< That waited before.
  std::uint64_t saved = 0;       ///< Are there after.
  std::uint64_t reported = 0;    ///< Stand in a gap record.
  std::uint64_t announced = 0;   ///< Neither, but the epoch is a new one: nothing goes on silently.
  std::uint64_t torn = 0;        ///< Of the last transaction in a damaged log: looks like a power cut.
  std::uint64_t unreported = 0;  ///< Neither, under the old epoch.
  std::uint64_t repeated = 0;    ///< Acknowledged before, there again.
};

/// Reads everything; damage that shows only then has the buffer opened anew, as the agent does.
std::vector<Row> read_all(Subject& subject, std::size_t i) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    std::vector<Row> rows;
    const StreamIndex index = *subject.outbox->stream(kStreams[i].vehicle, kStreams[i].channel);
    const Sequence newest = subject.outbox->backlog(index).newest;
    Status read = ok();
    do {
      read = subject.outbox->read(index, rows.empty() ? 0 : rows.back().through + 1, 1ULL << 30U, 1U << 30U,
                                  rows);
    } while (read && !rows.empty() && rows.back().through < newest);
    if (read && !subject.outbox->is_damaged()) return rows;
    REQUIRE(subject.outbox->is_damaged());
    subject.options.is_known_damaged = true;
    subject.open();
    subject.options.is_known_damaged = false;
  }
  FAIL("the buffer is damaged again and again");
  return {};
}

/// Which numbers are there: true as a row, false in a gap record.
std::map<Sequence, bool> judge_rows(const std::vector<Row>& rows, const Subject::Known& known,
                                    std::uint64_t& samples, Tally& tally) {
  std::map<Sequence, bool> covered;
  Sequence last = 0;
  for (const Row& row : rows) {
    if (last != 0) CHECK(row.seq == last + 1);
    last = row.through;
    if (row.format == RowFormat::kGap) {
      for (Sequence seq = row.seq; seq <= row.through; ++seq) covered[seq] = false;
      continue;
    }
    CHECK(is_as_appended(row));
    const auto before = known.contents.find(row.seq);
    if (before != known.contents.end()) CHECK(before->second == row.payload);
    covered[row.seq] = true;
    samples += row.samples;
    if (row.seq <= known.acked) ++tally.repeated;
  }
  return covered;
}

void judge_stream(Subject& subject, std::size_t i, bool may_be_torn, Tally& tally) {
  const std::vector<Row> rows = read_all(subject, i);
  const Subject::Known& known = subject.known[i];
  const bool is_old_epoch = subject.outbox->epoch() == subject.epoch;
  std::uint64_t samples = 0;
  const std::map<Sequence, bool> covered = judge_rows(rows, known, samples, tally);
  for (const auto& [seq, payload] : known.contents) {
    ++tally.rows;
    const auto found = covered.find(seq);
    if (found != covered.end())
      ++(found->second ? tally.saved : tally.reported);
    else if (!is_old_epoch)
      ++tally.announced;
    else
      ++(may_be_torn && seq > known.before_last_commit ? tally.torn : tally.unreported);
  }
  const StreamIndex index = *subject.outbox->stream(kStreams[i].vehicle, kStreams[i].channel);
  const Ledger ledger = subject.outbox->ledger(index);
  CHECK(ledger.sampled == ledger.delivered + ledger.waiting + ledger.lost);
  CHECK(ledger.waiting == samples);
  CHECK(total(subject.outbox->losses(index)) == ledger.lost);
  if (is_old_epoch && !may_be_torn) CHECK(subject.outbox->backlog(index).newest >= known.newest);
}

/// The buffer works, and what is put in now is there after the next start.
void check_that_it_goes_on(Subject& subject) {
  const StreamIndex index = *subject.outbox->stream("truck-17", Channel::kTelemetry);
  const Result<Sequence> number = subject.outbox->append(index, row_with(12'345));
  REQUIRE(number);
  REQUIRE(subject.outbox->commit());
  subject.end(/*is_kill=*/true);
  subject.open();  // which may find more damage: after an orderly end nothing had been checked
  const std::string epoch = subject.outbox->epoch();
  subject.end(/*is_kill=*/true);
  subject.open();
  CHECK_FALSE(subject.outbox->salvage_report());
  CHECK(subject.outbox->epoch() == epoch);
  const std::vector<Row> rows = read_all(subject, 0);
  REQUIRE_FALSE(rows.empty());
  CHECK(rows.back().seq == *number);
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void attack_once(const CorruptionAttack& attack, std::uint64_t seed, Tally& tally) {
  CAPTURE(seed);
  Subject subject(seed);
  subject.fill();
  subject.end(/*is_kill=*/attack.needs_log || subject.random() % 2 == 0);
  attack.run(subject.options.path, subject.random);
  subject.open();
  const std::uint64_t unreported = tally.unreported;
  for (std::size_t i = 0; i < kStreams.size(); ++i) judge_stream(subject, i, attack.needs_log, tally);
  CHECK(tally.unreported == unreported);
  ++tally.repetitions;
  if (subject.outbox->salvage_report()) ++tally.salvages;
  if (subject.outbox->epoch() != subject.epoch) ++tally.new_epochs;
  check_that_it_goes_on(subject);
}

TEST_CASE("outbox: whatever happens to its files, it opens, and each row is there as it was or reported") {
  const std::uint64_t seed = from_environment("OUTRIDER_SEED", std::random_device{}());
  const std::uint64_t repetitions = from_environment("OUTRIDER_CYCLES", 10);
  MESSAGE("OUTRIDER_SEED=" << seed);
  set_log_sink([](LogLevel, std::string_view) {});
  Random random(seed);
  std::printf("%-28s %5s %8s %6s %7s %7s %9s %10s %5s %11s %9s\n", "attack", "times", "salvages", "epochs",
              "rows", "saved", "reported", "announced", "torn", "unreported", "repeated");
  for (const CorruptionAttack& attack : corruption_attacks()) {
    CAPTURE(std::string(attack.name));
    Tally tally;
    for (std::uint64_t i = 0; i < repetitions; ++i) attack_once(attack, random(), tally);
    const auto number = [](std::uint64_t count) { return static_cast<unsigned long long>(count); };
    std::printf("%-28s %5llu %8llu %6llu %7llu %7llu %9llu %10llu %5llu %11llu %9llu\n", attack.name,
                number(tally.repetitions), number(tally.salvages), number(tally.new_epochs),
                number(tally.rows), number(tally.saved), number(tally.reported), number(tally.announced),
                number(tally.torn), number(tally.unreported), number(tally.repeated));
  }
  set_log_sink({});
}

TEST_CASE("outbox: damaged twenty times in a row, it keeps few of the damaged files") {
  set_log_sink([](LogLevel, std::string_view) {});
  Subject subject(1);
  subject.fill();
  for (int i = 0; i < 20; ++i) {
    subject.end(/*is_kill=*/false);
    std::fstream(subject.options.path, std::ios::binary | std::ios::in | std::ios::out)
        << std::string(100, static_cast<char>(i));
    subject.open();
    REQUIRE(subject.outbox->salvage_report());
    std::size_t sets = 0;
    std::uint64_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(subject.directory.path())) {
      const std::string name = entry.path().filename().string();
      if (name.find(".damaged-") == std::string::npos) continue;
      bytes += entry.file_size();
      if (!name.ends_with("-wal")) ++sets;
    }
    CHECK(sets <= 3);
    CHECK(bytes <= subject.options.max_bytes + (1U << 20U));
  }
  set_log_sink({});
}

}  // namespace
}  // namespace outrider
