// SPDX-License-Identifier: Apache-2.0
#include "agent/base/log.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

namespace outrider {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr std::chrono::seconds kQuietPeriod{10};
constexpr std::size_t kMostTopics = 256;  // topics are constants of ours; the bound is against mistakes

/// The process writes to one stderr, so there is one log.
class Log {
 public:
  void write(LogLevel level, std::string_view topic, std::string_view text) {
    const std::lock_guard lock(mutex_);
    if (level <= LogLevel::kWarning)
      problems_.note(level <= LogLevel::kError, topic, text, std::chrono::steady_clock::now());
    if (level > least_severe_) return;
    std::uint64_t suppressed = 0;
    if (!is_due(topic, suppressed)) return;
    std::string line;
    line.reserve(topic.size() + text.size() + 40);
    line.append(topic).append(": ").append(text);
    if (suppressed > 0) line += " (" + std::to_string(suppressed) + " similar lines suppressed)";
    if (sink_) return sink_(level, line);
    if (for_journal_)
      std::fprintf(stderr, "<%d>%s\n", static_cast<int>(level), line.c_str());
    else
      std::fprintf(stderr, "outrider: %s\n", line.c_str());
  }

  std::vector<Problem> problems() {
    const std::lock_guard lock(mutex_);
    return problems_.all();
  }

  void set_level(LogLevel level) {
    const std::lock_guard lock(mutex_);
    least_severe_ = level;
  }

  void set_sink(std::function<void(LogLevel, std::string_view)> sink) {
    const std::lock_guard lock(mutex_);
    sink_ = std::move(sink);
    topics_.clear();
    problems_ = {};
  }

 private:
  struct Topic {
    SteadyTime window_start{};
    int lines = 0;
    std::uint64_t suppressed = 0;
  };

  // A burst of a few lines passes, so that "lost" is followed by "connected"; a flood becomes a count.
  bool is_due(std::string_view topic, std::uint64_t& suppressed) {
    constexpr int kBurst = 5;
    const SteadyTime now = std::chrono::steady_clock::now();
    auto found = topics_.find(topic);
    if (found == topics_.end()) {
      if (topics_.size() >= kMostTopics) topics_.clear();
      found = topics_.emplace(std::string(topic), Topic{now, 0, 0}).first;
    }
    Topic& entry = found->second;
    if (now - entry.window_start >= kQuietPeriod) {
      suppressed = entry.suppressed;
      entry = {now, 0, 0};
    }
    if (entry.lines >= kBurst) {
      ++entry.suppressed;
      return false;
    }
    ++entry.lines;
    return true;
  }

  std::mutex mutex_;  // guards everything below
  LogLevel least_severe_ = LogLevel::kInfo;
  std::function<void(LogLevel, std::string_view)> sink_;
  std::map<std::string, Topic, std::less<>> topics_;
  RecentProblems problems_;
  const bool for_journal_ =
      std::getenv("JOURNAL_STREAM") != nullptr;  // NOLINT(concurrency-mt-unsafe): never set by us
};

Log& the_log() {
  static Log log;
  return log;
}

}  // namespace

void log(LogLevel level, std::string_view topic, std::string_view text) {
  the_log().write(level, topic, text);
}
std::vector<Problem> recent_problems() { return the_log().problems(); }
void set_log_level(LogLevel least_severe) { the_log().set_level(least_severe); }
void set_log_sink(std::function<void(LogLevel, std::string_view)> sink) {
  the_log().set_sink(std::move(sink));
}

}  // namespace outrider
