// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdio>
#include <functional>

#include "agent/base/time.h"
#include "agent/command/arguments.h"
#include "agent/ports/message_source.h"

namespace outrider {

/// `outrider verify`: listens until the time is over, nothing comes any more or `stop` is set, and gives the verdict.
///
/// Shape    `out` gets one line of JSON. `err` gets "subscribed to TOPIC at BROKER" each time the broker confirmed the
///          subscription (scripts wait for it), connection trouble, unless quiet a progress line that overwrites itself,
///          and at the end one sentence.
/// Returns  kExitFine, kExitNo when a promise was broken or nothing came, kExitCannotStart without a subscription.
/// Threads  the caller's only; `stop` may be set by any thread or a signal handler.
int run_verify(const VerifyArguments& arguments, MessageSource& source,
               const std::function<WallTime()>& wall_now, const std::atomic<bool>& stop, std::FILE* out,
               std::FILE* err);

}  // namespace outrider
