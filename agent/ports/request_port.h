// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace outrider {

struct Request {
  std::uint64_t id = 0;  ///< Goes back with the reply.
  std::string text;      ///< One line, without its end.
};

/// Questions that people and programs of this machine ask the running agent.
///
/// Threads  all methods: the loop only. Its own thread rings the loop's bell when a request is there.
/// Bound    a few requests at a time, of a few KiB each. Whoever asks and is slow, or goes away, costs the loop nothing.
class RequestPort {
 public:
  virtual ~RequestPort() = default;

  /// Appends what was asked since the last call.
  virtual void take_requests(std::vector<Request>& requests) = 0;

  /// Answers one with whole lines. Nothing happens when whoever asked has gone.
  virtual void reply(std::uint64_t id, std::string lines) = 0;
};

}  // namespace outrider
