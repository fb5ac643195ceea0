// SPDX-License-Identifier: Apache-2.0
#include "agent/base/loss_counts.h"

#include <numeric>

namespace outrider {

std::uint64_t total(const LossCounts& losses) {
  return std::accumulate(losses.begin(), losses.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& loss) { return sum + loss.second; });
}

void count_loss(LossCounts& losses, std::string_view cause, std::uint64_t count, std::size_t most_causes) {
  if (count == 0) return;
  constexpr std::size_t kMostNameBytes = 100;
  cause = cause.substr(0, kMostNameBytes);
  auto found = losses.find(cause);
  if (found == losses.end()) {
    const bool has_room = losses.size() + 1 < most_causes;
    found = losses.emplace(has_room ? std::string(cause) : "other", 0).first;
  }
  found->second += count;
}

}  // namespace outrider
