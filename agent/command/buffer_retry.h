// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/command/open_buffer.h"

namespace outrider {

/// Gets a run that began with a buffer in memory into a file, as soon as the disk lets it.
///
/// Keys     the buffer in memory is a life of its own, with an epoch that no file ever has. Rows that the broker has not
///          seen get new numbers in the file. So that no row is seen under two keys, `try_again` waits until what was sent
///          from memory is acknowledged. It does not wait for ever, because meanwhile a power cut costs what is in memory:
///          when the broker goes away in just these seconds, those few rows may come a second time.
/// Ledger   that of memory ends: delivered, reported lost, or moved, where it counts again as sampled.
/// Threads  the loop only.
class BufferRetry {
 public:
  /// Making the file failed at `now`, for `reason`. Everything else is borrowed.
  BufferRetry(const BufferConfig& buffer, World& world, std::string reason, BootTime now);

  /// The file's buffer, when the rows of `in_memory` can be moved into it, else null. Cheap.
  std::unique_ptr<Outbox> try_again(Outbox& in_memory, BootTime now);

 private:
  void try_to_open(Outbox& in_memory, BootTime now);

  const BufferConfig& buffer_;
  World& world_;
  std::uint32_t failures_ = 1;
  BootTime next_try_{};
  std::string reason_;            ///< Of the last failure; a new one is worth a line.
  std::unique_ptr<Outbox> file_;  ///< Open, while the broker is waited for.
  BootTime settled_by_{};
};

}  // namespace outrider
