// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>

#include "agent/command/world.h"
#include "agent/config/config.h"

namespace outrider {

/// `outrider buffer salvage`: what a start does by itself with a damaged buffer, by hand; or takes the rows of a file that
/// was set aside into the buffer, as new rows. With --dry-run it only says what can be read.
///
/// Shape    JSON lines on `out`.
/// Errors   kRetry while an agent has the buffer open.
Status salvage_buffer(const BufferArguments& arguments, const Config& config, World& world, std::FILE* out);

}  // namespace outrider
