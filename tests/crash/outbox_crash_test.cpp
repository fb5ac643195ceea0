// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "agent/store/outbox.h"
#include "platform/linux/small_file.h"
#include "tests/support/temporary_directory.h"

namespace outrider {
namespace {

constexpr StreamIndex kStreams = 2;
constexpr Channel kChannels[kStreams] = {Channel::kEvents, Channel::kTelemetry};

/// What the child says through the pipe. Writes of this size are atomic, so the parent reads whole reports.
struct Report {
  enum class Kind : std::uint64_t {
    kCommitted,     ///< Row `seq` is durable, with this content.
    kAcknowledges,  ///< Is about to acknowledge up to `seq`.
    kTrouble,       ///< Something that cannot be; the child gave up.
  };
  Kind kind{};
  std::uint64_t stream = 0;
  Sequence seq = 0;
  std::uint64_t content = 0;
};
static_assert(sizeof(Report) <= 512, "POSIX guarantees no more");

/// A row's content is one random number, from which its size and samples follow.
Row row_with(std::uint64_t content) {
  static constexpr std::size_t kSizes[] = {8, 60, 300, 5000};
  Row row;
  row.samples = static_cast<std::uint32_t>(content % 100);
  row.payload.resize(kSizes[content % 4], static_cast<char>('a' + content % 26));
  std::memcpy(row.payload.data(), &content, sizeof(content));
  return row;
}

std::uint64_t content_of(const Row& row) {
  std::uint64_t content = 0;
  std::memcpy(&content, row.payload.data(), sizeof(content));
  return content;
}

std::uint64_t lost_with(std::uint64_t content) { return content % 7 == 0 ? content % 11 : 0; }

/// A short limit of the file: a full buffer and its emergency deletes are killed, too.
Result<std::unique_ptr<Outbox>> open_in(const TemporaryDirectory& directory) {
  OutboxOptions options;
  options.path = directory.file("buffer.db");
  options.max_bytes = 512U << 10U;
  PosixSmallFile epoch(directory.file("epoch"));
  return Outbox::open(options, epoch);
}

/// The process that is killed: appends, commits and acknowledges as fast as it can.
class Child {
 public:
  Child(std::unique_ptr<Outbox> outbox, int pipe, std::uint64_t seed)
      : outbox_(std::move(outbox)), pipe_(pipe), random_(seed) {
    for (StreamIndex i = 0; i < kStreams; ++i) streams_[i] = *outbox_->stream("truck-17", kChannels[i]);
  }

  [[noreturn]] void run() {
    while (true) {
      const std::uint64_t choice = random_() % 10;
      if (choice < 6)
        append();
      else if (choice < 8)
        commit();
      else
        acknowledge();
    }
  }

 private:
  void append() {
    const StreamIndex i = random_() % kStreams;
    const std::uint64_t content = random_();
    Result<Sequence> number =
        outbox_->append(streams_[i], row_with(content), {{"can0.overrun", lost_with(content)}});
    if (number) staged_.push_back({Report::Kind::kCommitted, i, *number, content});
  }

  void commit() {
    const Status written = outbox_->commit();
    if (!written && written.error().fault != Fault::kRetry) report({Report::Kind::kTrouble});
    if (!written) return;
    for (const Report& row : staged_) report(row);
    staged_.clear();
  }

  void acknowledge() {
    const StreamIndex i = random_() % kStreams;
    std::vector<Row> rows;
    if (!outbox_->read(streams_[i], 0, 64U << 10U, 1 + random_() % 40, rows))
      report({Report::Kind::kTrouble});
    if (rows.empty()) return;
    report({Report::Kind::kAcknowledges, i, rows.back().through});
    outbox_->acknowledge(streams_[i], rows.back().through);
  }

  void report(const Report& report) {
    if (::write(pipe_, &report, sizeof(report)) != sizeof(report)) ::_exit(1);
    if (report.kind == Report::Kind::kTrouble) ::_exit(1);
  }

  std::unique_ptr<Outbox> outbox_;
  const int pipe_;
  std::mt19937_64 random_;
  std::array<StreamIndex, kStreams> streams_{};
  std::vector<Report> staged_;
};

[[noreturn]] void be_child(const TemporaryDirectory& directory, int pipe, std::uint64_t seed) {
  Result<std::unique_ptr<Outbox>> outbox = open_in(directory);
  if (!outbox) {
    const Report trouble{Report::Kind::kTrouble};
    ::_exit(::write(pipe, &trouble, sizeof(trouble)) == sizeof(trouble) ? 1 : 2);
  }
  Child(std::move(*outbox), pipe, seed).run();
}

/// A child that is killed and waited for on every way out.
class Victim {
 public:
  Victim(const TemporaryDirectory& directory, std::uint64_t seed) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) {
      ::close(ends[0]);
      be_child(directory, ends[1], seed);
    }
    ::close(ends[1]);
    pipe_ = ends[0];
  }
  ~Victim() {
    kill();
    ::close(pipe_);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }

  /// Waits for the next report; nullopt when the child is gone and everything it said was read.
  std::optional<Report> next() {
    Report report;
    if (::read(pipe_, &report, sizeof(report)) != sizeof(report)) return std::nullopt;
    return report;
  }

 private:
  pid_t process_ = 0;
  int pipe_ = -1;
};

/// Everything that any child said and any reopened buffer showed, over all lives.
class Witness {
 public:
  void hear(const Report& report) {
    REQUIRE(report.kind != Report::Kind::kTrouble);
    Known& stream = streams_.at(report.stream);
    if (report.kind == Report::Kind::kAcknowledges)
      stream.may_be_gone = std::max(stream.may_be_gone, report.seq);
    else
      learn(stream, report.seq, report.content);
  }

  void inspect(Outbox& outbox) {
    CHECK(outbox.epoch() == (epoch_.empty() ? outbox.epoch() : epoch_));
    epoch_ = outbox.epoch();
    for (StreamIndex i = 0; i < kStreams; ++i) inspect_stream(outbox, i);
  }

  std::size_t rows_seen() const { return streams_[0].contents.size() + streams_[1].contents.size(); }

 private:
  struct Known {
    std::map<Sequence, std::uint64_t> contents;  ///< Of every row that was ever durable.
    Sequence may_be_gone = 0;                    ///< Highest number that a child meant to acknowledge.
  };

  static void learn(Known& stream, Sequence seq, std::uint64_t content) {
    const auto [known, is_new] = stream.contents.emplace(seq, content);
    if (!is_new) CHECK(known->second == content);  // else one number had two contents
  }

  void inspect_stream(Outbox& outbox, StreamIndex i) {
    Known& stream = streams_.at(i);
    const StreamIndex index = *outbox.stream("truck-17", kChannels[i]);
    std::vector<Row> rows;
    REQUIRE(outbox.read(index, 0, 1U << 30U, 1U << 30U, rows));
    const Backlog backlog = outbox.backlog(index);
    Sequence expected = backlog.rows > 0 ? backlog.oldest : backlog.newest + 1;
    CHECK(expected <= stream.may_be_gone + 1);  // only acknowledged rows are gone
    std::uint64_t waiting = 0;
    for (const Row& row : rows) {
      CHECK(row.seq == expected++);
      CHECK(row.payload == row_with(content_of(row)).payload);
      learn(stream, row.seq, content_of(row));
      waiting += row.samples;
    }
    CHECK(expected == backlog.newest + 1);
    CHECK(rows.size() == backlog.rows);
    if (!stream.contents.empty())
      CHECK(stream.contents.rbegin()->first == backlog.newest);  // nothing durable is lost
    check_ledger(stream, outbox.ledger(index), waiting);
  }

  /// Numbers have no holes and every durable row was seen (before it could be acknowledged), so the sums are exact.
  static void check_ledger(const Known& stream, const Ledger& ledger, std::uint64_t waiting) {
    std::uint64_t samples = 0;
    std::uint64_t lost = 0;
    for (const auto& [seq, content] : stream.contents) {
      samples += row_with(content).samples;
      lost += lost_with(content);
    }
    CHECK(ledger.waiting == waiting);
    CHECK(ledger.lost == lost);
    CHECK(ledger.sampled == samples + lost);
    CHECK(ledger.delivered == samples - waiting);
  }

  std::array<Known, kStreams> streams_;
  std::string epoch_;
};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST_CASE(
    "outbox: killed a hundred times at random it loses no committed row and gives no number two contents") {
  const std::uint64_t seed = from_environment("OUTRIDER_SEED", std::random_device{}());
  const std::uint64_t cycles = from_environment("OUTRIDER_CYCLES", 100);
  MESSAGE("OUTRIDER_SEED=" << seed);
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const TemporaryDirectory directory;
  Witness witness;
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    CAPTURE(cycle);
    Victim victim(directory, random());
    // The moment of death is a number of reports plus a few microseconds, so it falls on every kind of step.
    const std::uint64_t reports = random() % 200;
    for (std::uint64_t i = 0; i < reports; ++i) {
      const std::optional<Report> report = victim.next();
      REQUIRE(report);
      witness.hear(*report);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
    victim.kill();
    while (const std::optional<Report> report = victim.next()) witness.hear(*report);

    Result<std::unique_ptr<Outbox>> outbox = open_in(directory);
    REQUIRE_MESSAGE(outbox, (outbox ? "" : outbox.error().text));
    witness.inspect(**outbox);
    outbox = retry("closed");
  }
  CHECK(witness.rows_seen() > cycles);
}

}  // namespace
}  // namespace outrider
