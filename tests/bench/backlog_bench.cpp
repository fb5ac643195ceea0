// SPDX-License-Identifier: Apache-2.0
// What a large backlog costs:  backlog_bench DIRECTORY ROWS ROW_BYTES
// Prints one line per figure: to open it, to drain it, to let a tenth of it go, and the memory it takes.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "agent/store/outbox.h"
#include "tests/support/memory_file.h"

namespace outrider {
namespace {

constexpr std::size_t kRowsPerCommit = 1000;
constexpr std::size_t kMessageBytes = 64U << 10U;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Resident memory of this process, from /proc/self/status.
double resident_mib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "VmRSS:") continue;
    double kib = 0;
    status >> kib;
    return kib / 1024;
  }
  return 0;
}

class Backlog {
 public:
  Backlog(const std::string& directory, std::size_t rows, std::size_t row_bytes)
      : rows_(rows), row_bytes_(row_bytes) {
    options_.path = directory + "/backlog.db";
    options_.max_bytes = 64ULL << 30U;
    options_.max_staged_bytes = 256U << 20U;
    open();
  }

  void open() {
    outbox_.reset();
    Result<std::unique_ptr<Outbox>> opened = Outbox::open(options_, epoch_file_);
    ENSURE(opened);
    outbox_ = std::move(*opened);
    stream_ = *outbox_->stream("truck-17", Channel::kTelemetry);
  }

  void fill() {
    for (std::size_t i = 0; i < rows_; ++i) {
      Row row;
      row.samples = 10;
      row.boot = 1;
      row.time = BootTime(milliseconds(500 * i));
      row.payload.assign(row_bytes_, 'x');
      ENSURE(outbox_->append(stream_, std::move(row)));
      if (i % kRowsPerCommit == kRowsPerCommit - 1) ENSURE(outbox_->commit());
    }
    ENSURE(outbox_->commit());
  }

  /// What a restart after a crash does first: everything up to the first row on the disk.
  void open_and_store() {
    open();
    Row row;
    row.time = BootTime(milliseconds(500 * rows_));
    row.boot = 1;
    ENSURE(outbox_->append(stream_, std::move(row)));
    ENSURE(outbox_->commit());
  }

  void expire_a_tenth() {
    const BootTime limit(milliseconds(500 * rows_ / 10));
    const std::uint64_t before = outbox_->ledger(stream_).lost;
    while (outbox_->ledger(stream_).lost - before < rows_ / 10 * 10)
      ENSURE(outbox_->expire([&](std::uint32_t, BootTime time) { return time < limit; }));
  }

  std::size_t drain() {
    std::size_t drained = 0;
    std::vector<Row> rows;
    for (int message = 0;; ++message) {
      rows.clear();
      ENSURE(outbox_->read(stream_, 0, kMessageBytes, 4096, rows));
      if (rows.empty()) break;
      drained += rows.size();
      outbox_->note_sent(stream_, rows.back().through);
      outbox_->acknowledge(stream_, rows.back().through);
      if (message % 16 == 0) ENSURE(outbox_->commit());
    }
    ENSURE(outbox_->commit());
    return drained;
  }

  double file_mib() const { return static_cast<double>(outbox_->file_bytes()) / (1 << 20); }

 private:
  OutboxOptions options_;
  MemoryFile epoch_file_;
  std::unique_ptr<Outbox> outbox_;
  StreamIndex stream_ = 0;
  const std::size_t rows_;
  const std::size_t row_bytes_;
};

int run(const std::string& directory, std::size_t rows, std::size_t row_bytes) {
  Backlog backlog(directory, rows, row_bytes);
  const double fill = seconds_of([&] { backlog.fill(); });
  std::printf("fill %.1f s, %.0f rows/s, file %.0f MiB\n", fill, static_cast<double>(rows) / fill,
              backlog.file_mib());
  std::printf("open to first durable row %.1f ms\n", 1000 * seconds_of([&] { backlog.open_and_store(); }));
  std::printf("resident %.1f MiB\n", resident_mib());
  std::printf("evict 10 %% %.2f s\n", seconds_of([&] { backlog.expire_a_tenth(); }));
  std::size_t drained = 0;
  const double drain = seconds_of([&] { drained = backlog.drain(); });
  std::printf("drain %.1f s, %.0f rows/s, %.1f MB/s\n", drain, static_cast<double>(drained) / drain,
              static_cast<double>(drained * row_bytes) / drain / 1e6);
  std::printf("resident after %.1f MiB\n", resident_mib());
  return 0;
}

}  // namespace
}  // namespace outrider

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: backlog_bench DIRECTORY ROWS ROW_BYTES\n", stderr);
    return 2;
  }
  return outrider::run(argv[1], std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10));
}
