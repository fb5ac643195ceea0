// SPDX-License-Identifier: Apache-2.0
#include "agent/store/gap.h"

#include <algorithm>
#include <numeric>

#include "agent/base/raw_bytes.h"

namespace outrider {
std::uint64_t Gap::rows() const {
  return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Part& part) { return sum + part.rows; });
}

std::uint64_t Gap::samples() const {
  return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Part& part) { return sum + part.samples; });
}

void Gap::add(std::string_view cause, std::uint64_t rows, std::uint64_t samples) {
  constexpr std::size_t kMostCauseBytes = 100;
  cause = cause.substr(0, kMostCauseBytes);
  const auto named = [&](std::string_view name) {
    return std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.cause == name; });
  };
  auto found = named(cause);
  if (found == parts.end() && parts.size() + 1 >= kMostGapCauses) found = named(cause = "other");
  if (found == parts.end()) found = parts.insert(found, {std::string(cause), 0, 0});
  found->rows += rows;
  found->samples += samples;
}

void Gap::add_row(std::string_view cause, const Row& row) {
  add(cause, 1, row.samples);
  if (row.lost > 0) add(kLostBefore, 0, row.lost);
}

std::string gap_payload(const Gap& gap) {
  std::string payload;
  append_raw(payload, gap.until_boot);
  append_raw(payload, static_cast<std::int64_t>(gap.until.time_since_epoch().count()));
  for (const Gap::Part& part : gap.parts) {
    append_raw(payload, part.rows);
    append_raw(payload, part.samples);
    append_raw(payload, static_cast<std::uint8_t>(part.cause.size()));
    payload += part.cause;
  }
  return payload;
}

Gap parse_gap(std::string_view payload) {
  Gap gap;
  gap.until_boot = take_raw<std::uint32_t>(payload);
  gap.until = BootTime(nanoseconds(take_raw<std::int64_t>(payload)));
  while (!payload.empty() && gap.parts.size() < kMostGapCauses) {
    const auto rows = take_raw<std::uint64_t>(payload);
    const auto samples = take_raw<std::uint64_t>(payload);
    const std::size_t length = std::min<std::size_t>(take_raw<std::uint8_t>(payload), payload.size());
    gap.add(payload.substr(0, length), rows, samples);
    payload.remove_prefix(length);
  }
  return gap;
}

}  // namespace outrider
