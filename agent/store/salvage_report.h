// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace outrider {

/// What became of a buffer that was damaged.
struct SalvageReport {
  std::string reason = {};         ///< What was found, for people.
  std::string set_aside = {};      ///< Where the damaged files are now; empty when they could be used on.
  std::uint64_t rows = 0;          ///< Taken over.
  std::uint64_t samples = 0;       ///< In these.
  std::uint64_t lost_rows = 0;     ///< Numbers that stand in gap records now.
  std::uint64_t lost_samples = 0;  ///< As far as the counters tell.
  std::uint64_t dead_letters = 0;  ///< Taken over.
  bool is_new_epoch = false;       ///< Numbers could have repeated.
};

}  // namespace outrider
