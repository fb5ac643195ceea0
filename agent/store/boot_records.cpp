// SPDX-License-Identifier: Apache-2.0
#include "agent/store/boot_records.h"

#include <array>
#include <cstring>

#include "agent/store/checksum.h"
#include "agent/store/statement.h"

namespace outrider {
namespace {

// Of rows that were written before there were checksums.
constexpr std::int64_t kNoChecksum = -1;

template <std::size_t N>
std::uint32_t checksum_of(const std::array<std::int64_t, N>& fields) {
  std::array<char, sizeof(fields)> bytes{};
  std::memcpy(bytes.data(), fields.data(), sizeof(fields));
  return checksum({bytes.data(), bytes.size()});
}

bool is_as_written(std::int64_t noted, std::uint32_t found) {
  return noted == kNoChecksum || noted == std::int64_t{found};
}

/// A file that is only looked at may still be of version 1.
bool has_checksums(Database& database) {
  const Result<std::int64_t> columns =
      database.integer("SELECT count(*) FROM pragma_table_info('boot') WHERE name = 'crc'");
  return columns && *columns == 1;
}

Status read_boots(Database& database, bool is_checked, BootRecords& records) {
  Statement all(database, is_checked ? "SELECT id, series, boot_id, crc FROM boot ORDER BY id"
                                     : "SELECT id, series, boot_id, -1 FROM boot ORDER BY id");
  Query row(all);
  Result<bool> more = row.next();
  for (; more && *more; more = row.next()) {
    BootRecord boot{.id = static_cast<std::uint32_t>(row.integer(0)),
                    .series = static_cast<std::uint32_t>(row.integer(1)),
                    .boot_id = std::string(row.bytes(2))};
    if (!is_as_written(row.integer(3), boot_checksum(boot))) {
      records.damaged.push_back(boot.id);
      boot.series = records.boots.empty() ? 1 : records.boots.back().series;
      boot.boot_id = "unknown";
    }
    records.boots.push_back(std::move(boot));
  }
  return more ? ok() : Status(more.error());
}

Status read_offsets(Database& database, bool is_checked, BootRecords& records) {
  Statement all(
      database,
      is_checked ? "SELECT boot, from_ns, offset_ns, is_synced, crc FROM clock_offset ORDER BY boot, from_ns"
                 : "SELECT boot, from_ns, offset_ns, is_synced, -1 FROM clock_offset ORDER BY boot, from_ns");
  Query row(all);
  Result<bool> more = row.next();
  for (; more && *more; more = row.next()) {
    const OffsetEntry entry{.boot = static_cast<std::uint32_t>(row.integer(0)),
                            .from = BootTime(nanoseconds(row.integer(1))),
                            .offset = nanoseconds(row.integer(2)),
                            .is_synced = row.integer(3) != 0};
    if (is_as_written(row.integer(4), offset_checksum(entry)))
      records.offsets.push_back(entry);
    else
      records.damaged.push_back(entry.boot);
  }
  return more ? ok() : Status(more.error());
}

}  // namespace

BootRecords read_boot_records(Database& database, Status& failure) {
  BootRecords records;
  const bool is_checked = has_checksums(database);
  failure = read_boots(database, is_checked, records);
  if (const Status read = read_offsets(database, is_checked, records); !read && failure) failure = read;
  return records;
}

std::uint32_t boot_checksum(const BootRecord& boot) {
  return checksum(boot.boot_id, checksum_of<2>({boot.id, boot.series}));
}

std::uint32_t offset_checksum(const OffsetEntry& offset) {
  return checksum_of<4>(
      {offset.boot, offset.from.time_since_epoch().count(), offset.offset.count(), offset.is_synced ? 1 : 0});
}

}  // namespace outrider
