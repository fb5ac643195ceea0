// SPDX-License-Identifier: Apache-2.0
#include "agent/config/sections.h"

namespace outrider {
namespace {

/// Linux has room for 108 bytes, one of them the end (unix(7)).
constexpr std::size_t kLongestSocketPath = 107;

}  // namespace

StatusConfig read_status(const JsonObject& top, const BufferConfig& buffer) {
  StatusConfig status{.socket = buffer.directory + "/outrider.sock"};
  if (const std::optional<JsonObject> object = top.object("status", "status"))
    object->read("socket", status.socket, TextLimits{.most_bytes = kLongestSocketPath, .may_be_empty = true});
  return status;
}

}  // namespace outrider
