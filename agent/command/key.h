// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>

#include "agent/command/world.h"

namespace outrider {

/// `outrider key generate|csr|show`: the identity of a device. Nothing secret is ever printed.
///
/// Shape    `out` gets a request or what is shown, `err` what was done or what is wrong.
/// Returns  kExitNo when a private key was shown that belongs to none of the certificates; kExitBadInput for bad files,
///          subjects and names.
int run_key(const KeyArguments& arguments, const World& world, std::FILE* out, std::FILE* err);

}  // namespace outrider
