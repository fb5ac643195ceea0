// SPDX-License-Identifier: Apache-2.0
#include "agent/store/damaged_buffer.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>

#include "agent/store/boot_records.h"
#include "agent/store/row_table.h"

namespace outrider {
namespace {

// The largest row that any configuration allows.
constexpr std::uint64_t kMostRecordBytes = 256ULL << 20U;

}  // namespace

Result<std::unique_ptr<DamagedBuffer>> DamagedBuffer::open(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return reject(
        path +
        " is a directory; give the file in it, such as outrider.db.damaged-1, or with --state DIR the " +
        "directory of the buffer that is damaged");
  if (!std::filesystem::is_regular_file(path, error) &&
      !std::filesystem::is_regular_file(path + "-wal", error))
    return reject("there is no file " + path);
  Result<std::unique_ptr<Database>> sql = Database::open_evidence(path);
  const Result<std::int64_t> asked =
      sql ? (*sql)->integer("SELECT count(*) FROM sqlite_schema") : Result<std::int64_t>(sql.error());
  if (!asked && asked.error().fault != Fault::kStop) return asked.error();
  std::unique_ptr<DamagedBuffer> buffer(new DamagedBuffer(path, sql ? std::move(*sql) : nullptr));
  if (buffer->evidence_.streams.empty())
    return reject(path + " has nothing of a buffer in it that can be read");
  return buffer;
}

DamagedBuffer::DamagedBuffer(const std::string& path, std::unique_ptr<Database> sql)
    : sql_(std::move(sql)), pages_(path, kMostRecordBytes), evidence_(read_evidence(sql_.get(), pages_)) {
  if (sql_) read_boots();
}

void DamagedBuffer::read_boots() {
  Status failure = ok();  // which is no news of a damaged file
  BootRecords records = read_boot_records(*sql_, failure);
  for (BootRecord& boot : records.boots) boots_[boot.id] = std::move(boot.boot_id);
  offsets_ = std::move(records.offsets);
}

/// Pages lie in the file in any order, but what is on one page follows what is on the page before it in the tree.
Status DamagedBuffer::visit_rows(const Visit& visit) {
  std::vector<std::pair<std::int64_t, std::uint32_t>> order;  // lowest key of a page with rows, page
  for (std::uint32_t page = 1; page <= pages_.pages(); ++page) {
    if (pages_.is_free(page)) continue;
    std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
    pages_.visit_records(page, [&](std::int64_t id, const PageFile::Record& record) {
      if (row_from(id, record)) lowest = std::min(lowest, id);
    });
    if (lowest != std::numeric_limits<std::int64_t>::max()) order.emplace_back(lowest, page);
  }
  std::sort(order.begin(), order.end());
  std::int64_t last = -1;
  Status visited = ok();
  for (const auto& [lowest, page] : order) {
    pages_.visit_records(page, [&](std::int64_t id, const PageFile::Record& record) {
      auto found = row_from(id, record);
      // A second image of a row, on a page that should have been written over, is not a second row.
      if (!visited || id <= last || !found || !is_wanted(found->first, found->second)) return;
      last = id;
      visited = visit(found->first, std::move(found->second));
    });
    if (!visited) return visited;
  }
  return ok();
}

bool DamagedBuffer::is_wanted(StreamIndex stream, const Row& row) const {
  const auto known = evidence_.streams.find(stream);
  if (known == evidence_.streams.end()) return false;
  return !known->second.counters || row.through > known->second.counters->acked;
}

}  // namespace outrider
