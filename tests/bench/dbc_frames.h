// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "agent/decode/dbc.h"
#include "agent/ports/can_port.h"

namespace outrider {

/// One complete frame of each message that has signals and fits a frame; the same bytes on every machine.
inline std::vector<CanFrame> frames_of(const Dbc& dbc) {
  std::vector<CanFrame> frames;
  std::uint32_t state = 1;  // a linear congruential generator
  for (const DbcMessage& message : dbc.messages) {
    if (message.signals.empty() || message.length > 64) continue;
    CanFrame frame;
    frame.id = message.id;
    if (message.is_extended) frame.flags = CanFrame::kExtended;
    frame.length = static_cast<std::uint8_t>(message.length);
    for (std::uint8_t& byte : frame.data) {
      state = state * 1664525U + 1013904223U;
      byte = static_cast<std::uint8_t>(state >> 24);
    }
    frames.push_back(frame);
  }
  return frames;
}

}  // namespace outrider
