// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace outrider {

/// Asks the agent that listens on the Unix socket `path` one line, and returns all lines of its answer.
///
/// Errors  kRetry: no agent listens there. kStop: this user may not ask, the agent did not answer within `longest`, or
///         its answer is larger than any that is meant.
Result<std::string> ask_agent(const std::string& path, std::string_view line,
                              milliseconds longest = milliseconds(10'000));

}  // namespace outrider
