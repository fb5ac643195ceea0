// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace outrider {

/// What was lost, per cause. Units: samples, or frames where no sample was decoded yet.
using LossCounts = std::map<std::string, std::uint64_t, std::less<>>;
std::uint64_t total(const LossCounts& losses);

/// A row names at most so many; what is lost beyond counts as "other".
inline constexpr std::size_t kMostLossCauses = 16;
/// Adds to a cause; once `most_causes` are named, to "other". Names longer than 100 bytes are cut.
void count_loss(LossCounts& losses, std::string_view cause, std::uint64_t count,
                std::size_t most_causes = kMostLossCauses);

}  // namespace outrider
