// SPDX-License-Identifier: Apache-2.0
// What the outbox costs: rows and bytes per second in and out, on the file system of the working directory.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/store/outbox.h"
#include "tests/support/memory_file.h"

namespace outrider {
namespace {

constexpr std::size_t kMessageBytes = 64U << 10U;

/// A fresh buffer in the working directory, so that the disk that is measured is the one that was chosen.
class BenchOutbox {
 public:
  BenchOutbox() {
    remove();
    options_.path = "store_bench.db";
    options_.max_bytes = 4ULL << 30U;
    options_.max_staged_bytes = 64U << 20U;
    open();
  }
  ~BenchOutbox() {
    outbox_.reset();
    remove();
  }
  BenchOutbox(const BenchOutbox&) = delete;
  BenchOutbox& operator=(const BenchOutbox&) = delete;

  void open() {
    outbox_.reset();
    Result<std::unique_ptr<Outbox>> opened = Outbox::open(options_, epoch_file_);
    ENSURE(opened);
    outbox_ = std::move(*opened);
    stream_ = *outbox_->stream("truck-17", Channel::kTelemetry);
  }

  void store(std::size_t rows, std::size_t bytes) {
    for (std::size_t i = 0; i < rows; ++i) {
      Row row;
      row.samples = 10;
      row.payload.assign(bytes, 'x');
      ENSURE(outbox_->append(stream_, std::move(row)));
    }
    ENSURE(outbox_->commit());
  }

  void fill(std::size_t rows, std::size_t bytes) {
    constexpr std::size_t kGroup = 1000;
    for (std::size_t i = 0; i < rows; i += kGroup) store(kGroup, bytes);
  }

  /// One message out: read, acknowledge. Returns how many rows; 0 when nothing waits.
  std::size_t deliver() {
    rows_.clear();
    ENSURE(outbox_->read(stream_, 0, kMessageBytes, 1000, rows_));
    if (!rows_.empty()) outbox_->acknowledge(stream_, rows_.back().through);
    return rows_.size();
  }
  void commit() { ENSURE(outbox_->commit()); }

 private:
  static void remove() {
    for (const char* name : {"store_bench.db", "store_bench.db-wal"}) std::filesystem::remove(name);
  }

  OutboxOptions options_;
  MemoryFile epoch_file_;
  std::unique_ptr<Outbox> outbox_;
  StreamIndex stream_ = 0;
  std::vector<Row> rows_;
};

void report(benchmark::State& state, std::size_t rows, std::size_t bytes) {
  state.SetItemsProcessed(static_cast<std::int64_t>(rows));
  state.SetBytesProcessed(static_cast<std::int64_t>(rows * bytes));
}

/// Rows of range(0) bytes, range(1) a commit.
void store_rows(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const auto group = static_cast<std::size_t>(state.range(1));
  BenchOutbox outbox;
  std::size_t rows = 0;
  while (state.KeepRunning()) {
    outbox.store(group, bytes);
    rows += group;
  }
  report(state, rows, bytes);
}
BENCHMARK(store_rows)
    ->ArgNames({"bytes", "per_commit"})
    ->ArgsProduct({{120, 4096}, {1, 10, 100, 1000}})
    ->UseRealTime()
    ->MinTime(0.3);

/// A backlog of range(0)-byte rows goes out in messages of 64 KiB, with a commit after every range(1) of them.
void drain_rows(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const auto per_commit = static_cast<std::size_t>(state.range(1));
  const std::size_t backlog = bytes < 1000 ? 200'000 : 20'000;
  std::size_t rows = 0;
  while (state.KeepRunning()) {
    state.PauseTiming();
    auto outbox = std::make_unique<BenchOutbox>();
    outbox->fill(backlog, bytes);
    state.ResumeTiming();
    std::size_t messages = 0;
    while (const std::size_t delivered = outbox->deliver()) {
      rows += delivered;
      if (++messages % per_commit == 0) outbox->commit();
    }
    outbox->commit();
    state.PauseTiming();
    outbox.reset();
    state.ResumeTiming();
  }
  report(state, rows, bytes);
}
BENCHMARK(drain_rows)
    ->ArgNames({"bytes", "messages_per_commit"})
    ->ArgsProduct({{120, 4096}, {1, 16}})
    ->UseRealTime()
    ->Iterations(2);

/// Live operation: one row in, one row out, one commit.
void live_rows(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  BenchOutbox outbox;
  std::size_t rows = 0;
  while (state.KeepRunning()) {
    outbox.store(1, bytes);
    rows += outbox.deliver();
  }
  report(state, rows, bytes);
}
BENCHMARK(live_rows)->ArgName("bytes")->Arg(120)->Arg(4096)->UseRealTime()->MinTime(0.3);

/// From nothing to a committed row, with range(0) rows waiting.
void first_commit(benchmark::State& state) {
  BenchOutbox outbox;
  outbox.fill(static_cast<std::size_t>(state.range(0)), 300);
  while (state.KeepRunning()) {
    outbox.open();
    outbox.store(1, 300);
  }
}
BENCHMARK(first_commit)
    ->ArgName("waiting")
    ->Arg(1000)
    ->Arg(200'000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace outrider

BENCHMARK_MAIN();
