// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/store/outbox_fixture.h"

namespace outrider {
namespace {

/// What one stream should hold, kept the simplest way: every row that was ever committed.
struct ModelStream {
  struct Entry {
    Row row;
    std::uint64_t lost = 0;
  };
  std::vector<Entry> committed;  ///< Number n at index n - 1.
  std::vector<Entry> staged;
  Sequence acked = 0;
  Sequence acked_for_sure = 0;  ///< By the last commit that succeeded.

  Ledger ledger() const {
    Ledger ledger;
    for (const auto* entries : {&committed, &staged}) {
      for (const Entry& entry : *entries) {
        const bool is_delivered = entries == &committed && entry.row.seq <= acked;
        (is_delivered ? ledger.delivered : ledger.waiting) += entry.row.samples;
        ledger.lost += entry.lost;
      }
    }
    ledger.sampled = ledger.delivered + ledger.waiting + ledger.lost;
    return ledger;
  }
};

/// Does the same to an outbox and to the model, at random, and compares.
class Comparison {
 public:
  Comparison(std::uint64_t seed, std::uint64_t max_bytes) : random_(seed), model_(3) {
    fixture_.options.max_bytes = max_bytes;
    fixture_.options.max_staged_bytes = 64U << 10U;
    open();
  }

  void step() {
    const int choice = pick(100);
    if (choice < 55) return append();
    if (choice < 75) return commit();
    if (choice < 88) return acknowledge();
    if (choice < 97) return compare_read();
    reopen(/*is_killed=*/choice == 99);
  }

  void compare_counts() {
    for (std::size_t i = 0; i < model_.size(); ++i) {
      const Ledger expected = model_[i].ledger();
      const Ledger actual = outbox().ledger(streams_[i]);
      CHECK(actual.sampled == expected.sampled);
      CHECK(actual.delivered == expected.delivered);
      CHECK(actual.waiting == expected.waiting);
      CHECK(actual.lost == expected.lost);
      compare_backlog(i);
    }
  }

  int full_commits() const { return full_commits_; }

 private:
  Outbox& outbox() { return *fixture_.outbox; }
  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  std::size_t pick_stream() { return static_cast<std::size_t>(pick(static_cast<int>(model_.size()))); }

  void open() {
    static constexpr const char* kVehicles[] = {"truck", "truck", "van"};
    static constexpr Channel kChannels[] = {Channel::kTelemetry, Channel::kEvents, Channel::kTelemetry};
    streams_.clear();
    for (std::size_t i = 0; i < model_.size(); ++i)
      streams_.push_back(*fixture_.open_or_same().stream(kVehicles[i], kChannels[i]));
  }

  void append() {
    const std::size_t i = pick_stream();
    static constexpr int kLargest[] = {20, 300, 300, 6000, 30'000};
    std::string payload(static_cast<std::size_t>(pick(kLargest[pick(5)])), static_cast<char>('a' + pick(26)));
    ModelStream::Entry entry{row_of(std::move(payload), static_cast<std::uint32_t>(pick(50))), 0};
    if (pick(10) == 0) entry.lost = static_cast<std::uint64_t>(pick(100));
    Result<Sequence> number = outbox().append(streams_[i], entry.row, losses_of(entry.lost));
    if (!number) {
      CHECK(number.error().fault == Fault::kReject);
      return;
    }
    ModelStream& stream = model_[i];
    entry.row.seq = static_cast<Sequence>(stream.committed.size() + stream.staged.size()) + 1;
    CHECK(*number == entry.row.seq);
    stream.staged.push_back(std::move(entry));
    order_.push_back(i);
  }

  void commit() {
    const Status written = outbox().commit();
    if (!written) {
      CHECK(written.error().fault == Fault::kRetry);
      ++full_commits_;
      return;
    }
    for (ModelStream& stream : model_) stream.acked_for_sure = stream.acked;
    const auto left = static_cast<std::size_t>(outbox().staged_rows());
    if (left > 0) ++full_commits_;
    REQUIRE((order_.empty() || left < order_.size()));
    for (; order_.size() > left; order_.pop_front()) {
      ModelStream& stream = model_[order_.front()];
      stream.committed.push_back(std::move(stream.staged.front()));
      stream.staged.erase(stream.staged.begin());
    }
    send_all();
  }

  /// Then nothing is evicted: that has tests of its own.
  void send_all() {
    for (std::size_t i = 0; i < model_.size(); ++i)
      outbox().note_sent(streams_[i], static_cast<Sequence>(model_[i].committed.size()));
  }

  void acknowledge() {
    const std::size_t i = pick_stream();
    ModelStream& stream = model_[i];
    const int waiting = static_cast<int>(stream.committed.size()) - static_cast<int>(stream.acked);
    const Sequence through = stream.acked + pick(waiting + 1);
    outbox().acknowledge(streams_[i], through);
    stream.acked = std::max(stream.acked, through);
  }

  void compare_read() {
    const std::size_t i = pick_stream();
    const ModelStream& stream = model_[i];
    const Sequence from = pick(static_cast<int>(stream.committed.size()) + 2);
    const std::size_t max_rows = static_cast<std::size_t>(pick(50)) + 1;
    std::vector<Row> rows;
    REQUIRE(outbox().read(streams_[i], from, 1U << 30U, max_rows, rows));
    const Sequence first = std::max({from, stream.acked + 1, Sequence{1}});
    const auto there = std::max<Sequence>(static_cast<Sequence>(stream.committed.size()) - first + 1, 0);
    REQUIRE(rows.size() == std::min(max_rows, static_cast<std::size_t>(there)));
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const Row& expected = stream.committed[static_cast<std::size_t>(first) + k - 1].row;
      CHECK(rows[k].seq == expected.seq);
      CHECK(rows[k].samples == expected.samples);
      CHECK(rows[k].payload == expected.payload);
    }
  }

  /// Staged rows are gone. What was acknowledged since the last good commit may or may not be remembered.
  void reopen(bool is_killed) {
    if (is_killed)
      fixture_.crash();
    else
      fixture_.open();
    open();
    order_.clear();
    for (std::size_t i = 0; i < model_.size(); ++i) {
      ModelStream& stream = model_[i];
      stream.staged.clear();
      const Backlog backlog = outbox().backlog(streams_[i]);
      const Sequence acked = backlog.rows > 0 ? backlog.oldest - 1 : backlog.newest;
      CHECK(acked >= stream.acked_for_sure);
      CHECK(acked <= stream.acked);
      stream.acked = stream.acked_for_sure = acked;
    }
    send_all();
  }

  void compare_backlog(std::size_t i) {
    const ModelStream& stream = model_[i];
    const Backlog backlog = outbox().backlog(streams_[i]);
    const std::uint64_t waiting = stream.committed.size() - static_cast<std::uint64_t>(stream.acked);
    CHECK(backlog.rows == waiting);
    CHECK(backlog.newest == static_cast<Sequence>(stream.committed.size()));
    CHECK(backlog.oldest == (waiting > 0 ? stream.acked + 1 : 0));
    std::uint64_t bytes = 0;
    for (auto k = static_cast<std::size_t>(stream.acked); k < stream.committed.size(); ++k)
      bytes += stream.committed[k].row.payload.size();
    CHECK(backlog.bytes == bytes);
  }

  std::mt19937_64 random_;
  OutboxFixture fixture_;
  std::vector<StreamIndex> streams_;
  std::vector<ModelStream> model_;
  std::deque<std::size_t>
      order_;  ///< Streams of the staged rows, oldest first: not all may be written at once.
  int full_commits_ = 0;
};

/// OUTRIDER_SEED and OUTRIDER_STEPS repeat a failure or look for one longer.
std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

int run(std::uint64_t max_bytes) {
  const std::uint64_t seed = from_environment("OUTRIDER_SEED", std::random_device{}());
  const std::uint64_t steps = from_environment("OUTRIDER_STEPS", 4000);
  CAPTURE(seed);
  MESSAGE("OUTRIDER_SEED=" << seed);
  Comparison comparison(seed, max_bytes);
  for (std::uint64_t i = 0; i < steps; ++i) {
    CAPTURE(i);
    comparison.step();
    if (i % 10 == 0) comparison.compare_counts();
  }
  comparison.compare_counts();
  return comparison.full_commits();
}

TEST_CASE("outbox: thousands of random steps agree with a simple model") { CHECK(run(64U << 20U) == 0); }

TEST_CASE(
    "outbox: thousands of random steps agree with a simple model while the buffer is full again and again") {
  CHECK(run(256U << 10U) > 0);
}

}  // namespace
}  // namespace outrider
