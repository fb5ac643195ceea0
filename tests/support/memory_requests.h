// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/ports/request_port.h"

namespace outrider {

/// Requests that the test asks, and the answers it got.
class MemoryRequests final : public RequestPort {
 public:
  std::uint64_t ask(std::string text) {
    waiting_.push_back({.id = ++last_id_, .text = std::move(text)});
    return last_id_;
  }
  /// Empty when there is none yet.
  std::string answer(std::uint64_t id) const {
    const auto found = answers_.find(id);
    return found == answers_.end() ? "" : found->second;
  }

  void take_requests(std::vector<Request>& requests) override {
    requests.insert(requests.end(), waiting_.begin(), waiting_.end());
    waiting_.clear();
  }
  void reply(std::uint64_t id, std::string lines) override { answers_[id] = std::move(lines); }

 private:
  std::uint64_t last_id_ = 0;
  std::vector<Request> waiting_;
  std::map<std::uint64_t, std::string> answers_;
};

}  // namespace outrider
