// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace outrider {

/// The newest warning or error of one topic.
struct Problem {
  using Time = std::chrono::steady_clock::time_point;
  bool is_error = false;
  std::string topic;
  std::string text;
  std::uint64_t count =
      0;  ///< Lines of this topic, those included that were not written because there were too many.
  Time first{};
  Time last{};
};

/// What went wrong lately: one entry for each topic, so that a flood of one does not wash the others away.
class RecentProblems {
 public:
  static constexpr std::size_t kMost = 8;  ///< Topics; the one that was silent for longest makes room.
  static constexpr std::size_t kLongestText = 500;

  void note(bool is_error, std::string_view topic, std::string_view text, Problem::Time now);
  /// By their last time, oldest first.
  const std::vector<Problem>& all() const { return problems_; }

 private:
  std::vector<Problem> problems_;
};

}  // namespace outrider
