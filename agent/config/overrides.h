// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agent/config/json_document.h"

namespace outrider {

/// Sets one value of `root` as "path.to.key=value" says; steps of the path that are not there are made.
///
/// Shape    "signals[0].as=x", "publish.brokers=[\"mqtt://host\"]"; an index may be one past the end of its list. The
///          value is JSON, or else a text as it stands.
/// Errors   what is wrong and what would be right goes to `problems`, and nothing is changed.
void apply_override(JsonValue& root, const std::string& override_text, Problems& problems);

}  // namespace outrider
