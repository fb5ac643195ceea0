// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "agent/base/loss_counts.h"
#include "agent/status/json_writer.h"
#include "agent/store/ledger.h"

namespace outrider {

/// The members of a ledger, into the object that is open.
inline void write_ledger(JsonWriter& json, const Ledger& ledger) {
  json.count("sampled", ledger.sampled);
  json.count("delivered", ledger.delivered);
  json.count("waiting", ledger.waiting);
  json.count("lost", ledger.lost);
}

/// An object of what was lost by cause.
inline void write_causes(JsonWriter& json, std::string_view key, const LossCounts& losses) {
  json.open(key);
  for (const auto& [cause, count] : losses) json.count(cause, count);
  json.close();
}

}  // namespace outrider
