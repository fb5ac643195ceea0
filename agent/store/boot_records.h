// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/store/row.h"
#include "agent/store/sqlite.h"

namespace outrider {

struct BootRecord {
  std::uint32_t id = 0;
  std::uint32_t series = 0;
  std::string boot_id;
};

/// What tables `boot` and `clock_offset` of any version say, in order of their keys.
///
/// Damage  a row whose checksum is wrong is not believed: an offset is left out, so that what it dated is "estimated" rather
///         than wrong; a boot keeps its key, which must not be used again, and is "unknown".
struct BootRecords {
  std::vector<BootRecord> boots;
  std::vector<OffsetEntry> offsets;
  std::vector<std::uint32_t> damaged;  ///< Boots with a row that was not believed; the same may come twice.
};

/// Reads as far as it gets: `failure` says where it ended, if it did not reach the end.
BootRecords read_boot_records(Database& database, Status& failure);

/// Of a row of either table, everything else in it included.
std::uint32_t boot_checksum(const BootRecord& boot);
std::uint32_t offset_checksum(const OffsetEntry& offset);

/// Statements that write such rows, with their checksum as the last parameter.
inline constexpr const char* kInsertBoot = "INSERT INTO boot(id, series, boot_id, crc) VALUES(?, ?, ?, ?)";
inline constexpr const char* kInsertOffset =
    "INSERT OR IGNORE INTO clock_offset(boot, from_ns, offset_ns, is_synced, crc) VALUES(?, ?, ?, ?, ?)";

}  // namespace outrider
