// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>

#include "agent/command/world.h"

namespace outrider {

/// `outrider buffer`: asks the running agent about its buffer; opens the buffer itself when no agent runs.
///
/// Shape    `out` gets the answer, `err` a sentence when there is none.
/// Returns  kExitNo when there is no such buffer or dead letter.
int run_buffer(const BufferArguments& arguments, World& world, std::FILE* out, std::FILE* err);

}  // namespace outrider
