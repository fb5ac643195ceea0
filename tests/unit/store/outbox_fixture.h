// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/store/outbox.h"
#include "tests/support/memory_file.h"
#include "tests/support/temporary_directory.h"

namespace outrider {

/// An outbox on a real file that can be closed, opened again and cut off.
class OutboxFixture {
 public:
  OutboxFixture() { options.path = directory.file("buffer.db"); }

  Outbox& open() {
    close();
    Result<std::unique_ptr<Outbox>> opened = Outbox::open(options, epoch_file);
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().text));
    outbox = std::move(*opened);
    return *outbox;
  }
  Outbox& open_or_same() { return outbox ? *outbox : open(); }
  void close() { outbox.reset(); }

  /// What kill -9 leaves: the files as they are now, without the process. Opens them.
  Outbox& crash() {
    const std::string copy = directory.file("crashed-" + std::to_string(++crashes_) + ".db");
    std::filesystem::copy_file(options.path, copy);
    if (std::filesystem::exists(options.path + "-wal"))
      std::filesystem::copy_file(options.path + "-wal", copy + "-wal");
    close();
    options.path = copy;
    return open();
  }

  TemporaryDirectory directory;
  MemoryFile epoch_file;
  OutboxOptions options;
  std::unique_ptr<Outbox> outbox;

 private:
  int crashes_ = 0;
};

inline Row row_of(std::string payload, std::uint32_t samples = 1) {
  Row row;
  row.payload = std::move(payload);
  row.samples = samples;
  return row;
}

/// A run of the agent in a boot of this name, whose clock is right, that stores one row.
inline Outbox& run_in_boot(OutboxFixture& fixture, const std::string& boot_id) {
  Outbox& outbox = fixture.open();
  Row row = row_of("row");
  row.boot = outbox.boot(boot_id);
  outbox.note_offset({row.boot, BootTime(), seconds(row.boot), true});
  REQUIRE(outbox.append(*outbox.stream("truck-17", Channel::kTelemetry), row));
  REQUIRE(outbox.commit());
  return outbox;
}

inline LossCounts losses_of(std::uint64_t samples) {
  return samples == 0 ? LossCounts() : LossCounts{{"can0.overrun", samples}};
}

inline std::vector<Row> read_all(Outbox& outbox, StreamIndex stream, Sequence from = 0) {
  std::vector<Row> rows;
  REQUIRE(outbox.read(stream, from, 1ULL << 40U, 1U << 30U, rows));
  return rows;
}

inline std::vector<Sequence> numbers_of(const std::vector<Row>& rows) {
  std::vector<Sequence> numbers;
  numbers.reserve(rows.size());
  for (const Row& row : rows) numbers.push_back(row.seq);
  return numbers;
}

inline void check_closes(const Ledger& ledger) {
  CHECK(ledger.sampled == ledger.delivered + ledger.waiting + ledger.lost);
}

}  // namespace outrider
