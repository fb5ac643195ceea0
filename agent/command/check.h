// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>

#include "agent/command/arguments.h"

namespace outrider {

/// `outrider check`: reads a configuration and everything it refers to, as `run` would, and changes nothing.
///
/// Shape    `out` gets a short summary when it is good; `err` gets every problem and warning, one a line, with its file
///          and place. Whether the buffer's directory can be written is for `run` to find out, as its user.
/// `now` is what certificates are judged by.
/// Returns  kExitFine, also with warnings; kExitBadInput with a problem, or when strict with a warning.
int run_check(const CheckArguments& arguments, WallTime now, std::FILE* out, std::FILE* err);

}  // namespace outrider
