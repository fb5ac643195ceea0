// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "agent/base/time.h"

namespace outrider {

struct OutboxOptions {
  std::string path;  ///< Database file; "" is a private database in memory.
  /// Why there is no file, if there ought to be one: the health says so until the rows are moved into one.
  std::string in_memory_because = {};
  std::uint64_t max_bytes = 256ULL << 20;
  /// The file does not grow while the file system has less than this left; absent: 2 % of it, at most 64 MiB.
  std::optional<std::uint64_t> min_free_disk = {};
  milliseconds commit_interval{500};
  std::uint64_t max_staged_bytes = 1ULL << 20;
  /// Not zero: while the link is live, rows are sent from memory and written only if they are not acknowledged within
  /// this time. Spares the flash; a power cut or crash costs up to so much, and then a new epoch begins, for numbers
  /// could repeat. Events are written at once as ever.
  milliseconds memory_window{0};
  std::uint64_t random = 0;       ///< Goes into a new epoch's name.
  bool is_visit = false;          ///< Somebody only looks: how the last run ended stays noted.
  std::uint64_t least_epoch = 0;  ///< A new epoch's counter is above this.
  /// The file was found damaged when it was in use: it is salvaged, whatever it looks like.
  bool is_known_damaged = false;
  /// Asked now and then while the file is checked after an unclean stop; when it says no, the rest is left to the
  /// checks that come with each read. Empty: the whole file is checked.
  std::function<bool()> may_check_on = {};
};

}  // namespace outrider
