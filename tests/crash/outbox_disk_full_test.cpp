// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "agent/store/outbox.h"
#include "platform/linux/small_file.h"
#include "tests/support/temporary_directory.h"

namespace outrider {
namespace {

constexpr int kSkipped = 77;

/// Ends the child; the parent shows the line.
void expect(bool condition, int line) {
  if (condition) return;
  std::fprintf(stderr, "outbox_disk_full_test.cpp:%d does not hold\n", line);
  ::_exit(1);
}
#define EXPECT(condition) expect(bool(condition), __LINE__)

/// A small file system of our own that nobody else sees; needs root or unprivileged user namespaces.
bool mount_small_disk(const std::string& directory) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("none", directory.c_str(), "tmpfs", 0, "size=3m") == 0;
}

std::unique_ptr<Outbox> open_on(const std::string& directory) {
  OutboxOptions options;  // whose limits are far above the disk
  options.path = directory + "/buffer.db";
  PosixSmallFile epoch(directory + "/epoch");
  Result<std::unique_ptr<Outbox>> opened = Outbox::open(options, epoch);
  EXPECT(opened);
  return std::move(*opened);
}

Row row_of_1000_bytes() {
  Row row;
  row.samples = 1;
  row.payload.assign(1000, 'x');
  return row;
}

/// Until a commit fails, for every row was sent and so may not go. Returns how many rows wait.
std::uint64_t fill_disk(Outbox& outbox, StreamIndex stream) {
  Status written;
  while (written) {
    EXPECT(outbox.append(stream, row_of_1000_bytes()));
    written = outbox.commit();
    outbox.note_sent(stream, outbox.backlog(stream).newest);
  }
  EXPECT(written.error().fault == Fault::kRetry);
  return outbox.backlog(stream).rows;
}

void check_ledger(const Outbox& outbox, StreamIndex stream) {
  const Ledger ledger = outbox.ledger(stream);
  EXPECT(ledger.sampled == ledger.delivered + ledger.waiting + ledger.lost);
}

/// Nobody frees the disk: only deliveries do.
void fill_and_drain(const std::string& directory) {
  const std::unique_ptr<Outbox> outbox = open_on(directory);
  const StreamIndex stream = *outbox->stream("truck-17", Channel::kTelemetry);
  for (int round = 0; round < 5; ++round) {
    const std::uint64_t rows = fill_disk(*outbox, stream);
    EXPECT(rows > 100);
    outbox->acknowledge(stream, outbox->backlog(stream).newest);
    EXPECT(outbox->commit());
    EXPECT(outbox->staged_rows() == 0);
    EXPECT(outbox->backlog(stream).rows == 1);
    check_ledger(*outbox, stream);
  }
  fill_disk(*outbox, stream);
}

/// Nothing was sent and nothing is delivered: the oldest rows make room, whatever the limit of the buffer is.
void fill_and_go_on(const std::string& directory) {
  const std::unique_ptr<Outbox> outbox = open_on(directory);
  const StreamIndex stream = *outbox->stream("van-2", Channel::kTelemetry);
  constexpr int kRows = 10'000;
  for (int i = 0; i < kRows; ++i) {
    EXPECT(outbox->append(stream, row_of_1000_bytes()));
    EXPECT(outbox->commit());
  }
  const Ledger ledger = outbox->ledger(stream);
  EXPECT(ledger.sampled == kRows && ledger.waiting > 100 && ledger.waiting + ledger.lost == kRows);
  EXPECT(outbox->losses(stream) == (LossCounts{{"disk_full", ledger.lost}}));
  outbox->acknowledge(stream, kRows);
  EXPECT(outbox->commit());
}

/// Somebody else takes the last byte while the buffer is closed.
void open_on_full_disk(const std::string& directory) {
  {
    std::ofstream other(directory + "/other");
    const std::string block(4096, 'o');
    while (other.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) continue;
  }
  const std::unique_ptr<Outbox> outbox = open_on(directory);
  EXPECT(outbox->streams().size() >= 1);
  std::vector<Row> rows;
  EXPECT(outbox->read(0, 0, 1U << 30U, 1U << 30U, rows));
  EXPECT(rows.size() == outbox->backlog(0).rows && rows.size() > 100);
  EXPECT(outbox->append(0, row_of_1000_bytes()));
  EXPECT(!outbox->commit());
  EXPECT(::unlink((directory + "/other").c_str()) == 0);
  EXPECT(outbox->commit());
  EXPECT(outbox->staged_rows() == 0);
  check_ledger(*outbox, 0);
}

TEST_CASE(
    "outbox: a full disk costs no committed row, and the buffer recovers by itself when rows are delivered") {
  const TemporaryDirectory directory;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!mount_small_disk(directory.path())) ::_exit(kSkipped);
    fill_and_go_on(directory.path());
    fill_and_drain(directory.path());
    open_on_full_disk(directory.path());
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kSkipped)
    MESSAGE("SKIPPED: this user may not mount a small file system (needs root or user namespaces)");
  else
    CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace outrider
