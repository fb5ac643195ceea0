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

/// A buffer that went bad while it was in use, or that was only in memory.
struct LostBuffer {
  std::string epoch;          ///< Its name, which must not be used again.
  std::uint64_t attempt = 0;  ///< Makes the name of the next one differ.
  bool is_damaged = true;     ///< The file is to be salvaged, whatever it looks like.
};

/// The buffer for an agent; made if there is none. After `lost` what can be read of that one is salvaged.
/// Errors  kRetry: the disk is full, write-protected or failing, which may pass. kReject: another process has it. kStop: a
///         mistake of whoever set it up (no such directory can be made, no permission), which does not.
Result<std::unique_ptr<Outbox>> open_buffer(const BufferConfig& buffer, World& world,
                                            const std::optional<LostBuffer>& lost = {});

/// The same at the start of a run. Another agent that is just being stopped is waited for. Where the disk does not let
/// a buffer be made, the run begins with one in memory, of the size of buffer.max_staged_bytes: see BufferRetry.
Result<std::unique_ptr<Outbox>> open_first_buffer(const BufferConfig& buffer, World& world);

/// The buffer of an agent that does not run, for somebody who wants to look. It may stay as large as it is, whatever the
/// configuration says: looking never makes rows go.
/// Errors  kReject when there is none.
Result<std::unique_ptr<Outbox>> open_idle_buffer(BufferConfig buffer, World& world,
                                                 const std::optional<LostBuffer>& lost = {});

}  // namespace outrider
