// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/decode/dbc.h"

namespace outrider {

/// What becomes of the rules of a configuration on the DBC files it names, as sentences for its author: rules that match
/// nothing (with the nearest names), rules that earlier ones leave nothing to, names that more than one signal would get.
///
/// Shape    each sentence begins with the rule's JSON path: "signals[3].signal: …".
std::vector<std::string> rule_warnings(const std::vector<SignalRule>& rules,
                                       const std::vector<std::shared_ptr<const Dbc>>& files);

}  // namespace outrider
