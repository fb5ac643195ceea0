// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "agent/decode/decoder.h"
#include "agent/decode/id_table.h"
#include "agent/ports/can_port.h"

namespace outrider {

/// Which message a frame is, by its identifier.
///
/// Order    a whole 29-bit id goes before a parameter group. Several messages of one group are told apart by their
///          source address; a sender that none of them names gets the first.
class MessageIndex {
 public:
  explicit MessageIndex(std::size_t most_messages);

  /// Both return the message that has the same identifier already, and then keep that one; else -1.
  std::int32_t add_exact(std::uint32_t id, bool is_extended, std::int32_t message);
  std::int32_t add_group(std::uint32_t id, std::int32_t message);

  /// -1 when no message has the frame's identifier.
  std::int32_t find(const CanFrame& frame) const {
    if (!frame.is(CanFrame::kExtended)) return standard_[frame.id & 0x7FF];
    const std::int32_t exact = extended_.find(frame.id);
    return exact >= 0 ? exact : find_group(frame.id);
  }

 private:
  struct Sender {
    std::int32_t message = 0;
    std::int32_t next = -1;  // in senders_: the next message of the same group
    std::uint8_t source_address = 0;
  };

  std::int32_t find_group(std::uint32_t id) const {
    const std::int32_t at = groups_.find(pgn_of(id));
    if (at < 0) return -1;
    const Sender& first = senders_[static_cast<std::size_t>(at)];
    return first.next < 0 ? first.message : find_sender(first, id);
  }
  std::int32_t find_sender(const Sender& first, std::uint32_t id) const;

  std::array<std::int32_t, 2048> standard_;
  IdTable extended_;
  IdTable groups_;  // into senders_: the first message of a group
  std::vector<Sender> senders_;
};

}  // namespace outrider
