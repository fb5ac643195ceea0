// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/command/world.h"
#include "agent/config/config.h"
#include "agent/store/outbox.h"

namespace outrider {

/// A buffer that went bad while it was in use.
struct LostBuffer {
  std::string epoch;          ///< Its name, which must not be used again.
  std::uint64_t attempt = 0;  ///< Makes the name of the next one differ.
};

/// The buffer for an agent; made if there is none. After `lost` what can be read of that one is salvaged.
Result<std::unique_ptr<Outbox>> open_buffer(const BufferConfig& buffer, World& world,
                                            const std::optional<LostBuffer>& lost = {});

/// The buffer of an agent that does not run, for somebody who wants to look. It may stay as large as it is, whatever the
/// configuration says: looking never makes rows go.
/// Errors  kReject when there is none.
Result<std::unique_ptr<Outbox>> open_idle_buffer(BufferConfig buffer, World& world,
                                                 const std::optional<LostBuffer>& lost = {});

}  // namespace outrider
