// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/decode/dbc.h"
#include "agent/ports/frame_encoder.h"

namespace outrider {

/// Frames by DBC files. Names are the long or the short ones; the first file that has a message wins.
///
/// Threads  any: nothing changes after construction.
class DbcFrameEncoder final : public FrameEncoder {
 public:
  explicit DbcFrameEncoder(std::vector<std::shared_ptr<const Dbc>> files);

  /// nullopt also for messages longer than one frame (transport protocol).
  std::optional<CanFrame> encode(std::string_view message,
                                 std::span<const SignalValue> values) const override;

 private:
  struct Entry {
    const DbcMessage* message = nullptr;
    std::unordered_map<std::string_view, const DbcSignal*> signals;
  };

  void add(const DbcMessage& message);

  std::vector<std::shared_ptr<const Dbc>> files_;  // what entries_ points into
  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};

}  // namespace outrider
