// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/store/page_file.h"
#include "agent/store/row.h"
#include "agent/store/sqlite.h"
#include "agent/store/stream_table.h"

namespace outrider {

/// What a damaged buffer still says, apart from its rows.
struct Evidence {
  struct KnownStream {
    std::string vehicle_id;
    Channel channel{};
    /// As of the newest readable state; nothing when only the name is known.
    std::optional<Stream> counters = {};
    Sequence first_seen = 0;  ///< Lowest number among the readable rows; 0 when there is none.
    Sequence last_seen = 0;   ///< Highest number among the readable rows.
  };
  std::string epoch;                           ///< "" when it cannot be read.
  std::map<StreamIndex, KnownStream> streams;  ///< By their ids.
  std::uint32_t last_boot = 0;                 ///< Highest key among the readable rows.
  bool are_numbers_known = false;              ///< No number was ever given beyond what the counters say.
};

/// `sql` is the damaged file as SQLite sees it; null when it does not let anybody in.
Evidence read_evidence(Database* sql, PageFile& pages);

/// A record as a row whose checksum is right, with the id of its stream.
std::optional<std::pair<StreamIndex, Row>> row_from(std::int64_t row_id, const PageFile::Record& record);

}  // namespace outrider
