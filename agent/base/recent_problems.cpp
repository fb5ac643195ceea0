// SPDX-License-Identifier: Apache-2.0
#include "agent/base/recent_problems.h"

#include <algorithm>
#include <utility>

namespace outrider {

void RecentProblems::note(bool is_error, std::string_view topic, std::string_view text, Problem::Time now) {
  const auto known = std::find_if(problems_.begin(), problems_.end(),
                                  [&](const Problem& problem) { return problem.topic == topic; });
  Problem problem{.topic = std::string(topic), .text = {}, .first = now};
  if (known != problems_.end()) {
    problem = std::move(*known);
    problems_.erase(known);
  } else if (problems_.size() == kMost) {
    problems_.erase(problems_.begin());
  }
  problem.is_error = is_error;
  problem.text = text.substr(0, kLongestText);
  problem.last = now;
  ++problem.count;
  problems_.push_back(std::move(problem));
}

}  // namespace outrider
