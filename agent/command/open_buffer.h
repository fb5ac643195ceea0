// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agent/command/world.h"
#include "agent/config/config.h"
#include "agent/store/outbox.h"

namespace outrider {

/// The buffer for an agent; made if there is none.
Result<std::unique_ptr<Outbox>> open_buffer(const BufferConfig& buffer, World& world);

/// The buffer of an agent that does not run, for somebody who wants to look. It may stay as large as it is, whatever the
/// configuration says: looking never makes rows go.
/// Errors  kReject when there is none.
Result<std::unique_ptr<Outbox>> open_idle_buffer(BufferConfig buffer, World& world);

}  // namespace outrider
