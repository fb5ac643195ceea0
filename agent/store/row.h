// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "agent/base/time.h"

namespace outrider {

using Sequence = std::int64_t;      ///< 1, 2, 3… per stream and epoch; 0 is "none yet".
using StreamIndex = std::uint16_t;  ///< Dense, 0.., valid while the outbox is open.

enum class Channel : std::uint8_t { kTelemetry = 0, kEvents = 1 };
const char* name_of(Channel channel);

/// How the bytes of a row are to be read; see publish/row_text.h. Stored, so never renumber.
enum class RowFormat : std::uint8_t {
  kColumnsJson = 1,
  kRecordsJson = 2,
  kEventJson = 3,
  kGap = 4,  ///< Stands for rows `seq`..`through` that will never come.
};

/// One numbered batch of samples, one event, or one gap record. The unit of durability.
struct Row {
  Sequence seq = 0;
  Sequence through = 0;  ///< Equal to seq, except for a gap record.
  RowFormat format = RowFormat::kColumnsJson;
  std::uint32_t samples = 0;
  /// Samples that were lost before it, and which its payload is the only one to report.
  std::uint32_t lost = 0;
  std::uint32_t boot = 0;  ///< Key in the table of boots.
  BootTime time{};         ///< Of the earliest sample.
  std::string payload =
      {};  ///< Encoded once, here; what depends on the wall clock is added when it is published.
};

/// Wall time of stored boot times: per boot, from which boot time on which offset holds.
struct OffsetEntry {
  std::uint32_t boot = 0;
  BootTime from{};
  nanoseconds offset{};
  bool is_synced = false;
};

}  // namespace outrider
