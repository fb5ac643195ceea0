// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>

#include "agent/command/world.h"

namespace outrider {

/// `outrider status`: asks the running agent what it is doing.
///
/// Shape    `out` gets the answer, `err` a sentence when there is none, or why not when asked for health.
/// Returns  kExitNo when no agent runs there, does not answer, or is not healthy.
int run_status(const StatusArguments& arguments, const World& world, std::FILE* out, std::FILE* err);

}  // namespace outrider
