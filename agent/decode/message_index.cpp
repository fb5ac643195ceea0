// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/message_index.h"

#include "agent/decode/j1939.h"

namespace outrider {

MessageIndex::MessageIndex(std::size_t most_messages) : extended_(most_messages), groups_(most_messages) {
  standard_.fill(-1);
}

std::int32_t MessageIndex::add_exact(std::uint32_t id, bool is_extended, std::int32_t message) {
  if (is_extended) {
    const std::int32_t present = extended_.find(id);
    if (present < 0) extended_.insert(id, message);
    return present;
  }
  std::int32_t& entry = standard_[id & 0x7FF];
  const std::int32_t present = entry;
  if (present < 0) entry = message;
  return present;
}

std::int32_t MessageIndex::add_group(std::uint32_t id, std::int32_t message) {
  const auto added = static_cast<std::int32_t>(senders_.size());
  std::int32_t at = groups_.find(pgn_of(id));
  if (at < 0) {
    groups_.insert(pgn_of(id), added);
  } else {
    for (;; at = senders_[static_cast<std::size_t>(at)].next) {
      Sender& sender = senders_[static_cast<std::size_t>(at)];
      if (sender.source_address == source_address_of(id)) return sender.message;
      if (sender.next >= 0) continue;
      sender.next = added;
      break;
    }
  }
  senders_.push_back({message, -1, source_address_of(id)});
  return -1;
}

std::int32_t MessageIndex::find_sender(const Sender& first, std::uint32_t id) const {
  for (const Sender* at = &first;; at = &senders_[static_cast<std::size_t>(at->next)]) {
    if (at->source_address == source_address_of(id)) return at->message;
    if (at->next < 0) return first.message;
  }
}

}  // namespace outrider
