// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/base/sample.h"
#include "agent/base/time.h"
#include "agent/config/config.h"

namespace outrider {

/// The retained document of one vehicle: what its signals are, and whether its agent is there.
/// Described by config/schema/status.schema.json.
struct StatusDocument {
  std::string vehicle_id;
  std::string agent;  ///< Client id of the connection that carries the vehicle.
  /// Absent for vehicles that share a connection: the last will speaks for one only.
  std::optional<bool> is_online;
  std::string epoch;
  Layout layout = Layout::kColumns;
  const std::vector<SeriesInfo>* series = nullptr;  ///< Borrowed.
  /// Left out where the document has to be small.
  bool lists_signals = true;
};

std::string status_text(const StatusDocument& document, WallTime now);

/// Names a catalogue; rows carry it when it changes, the status document always.
std::string catalogue_digest(const std::vector<SeriesInfo>& series);

const char* name_of(Layout layout);

}  // namespace outrider
