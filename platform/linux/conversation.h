// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/time.h"
#include "platform/linux/descriptor.h"

namespace outrider {

/// One client of the request server: it asks one line, waits, gets some lines, and that is all.
///
/// Bound    a line beyond the limit is read to its end, but not kept, and refused. Asking as a whole and taking the
///          answer as a whole may each take `patience`, however small the steps. Waiting is the loop's time.
/// Threads  the server's only.
class Conversation {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Conversation(std::uint64_t id, Descriptor socket, std::size_t most_bytes, milliseconds patience, Time now);

  std::uint64_t id() const { return id_; }
  int descriptor() const { return socket_.number(); }
  short events() const;
  Time wake_at() const;
  bool is_over() const { return stage_ == Stage::kOver; }

  /// Moves bytes by what poll said. Returns the request once it is there.
  std::optional<std::string> advance(short ready, Time now);
  void answer(std::string lines, Time now);

 private:
  enum class Stage { kAsking, kWaiting, kAnswering, kOver };

  std::optional<std::string> listen(Time now);
  void speak();

  const std::uint64_t id_;
  const std::size_t most_bytes_;
  const milliseconds patience_;
  Descriptor socket_;
  Stage stage_ = Stage::kAsking;
  Time deadline_;  // of asking, and of answering
  std::string text_;
  bool is_too_long_ = false;
  std::size_t spoken_ = 0;  // bytes of the answer that went out
};

}  // namespace outrider
