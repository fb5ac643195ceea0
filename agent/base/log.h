// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/recent_problems.h"

namespace outrider {

/// syslog severities, so that journald understands the "<n>" prefix.
enum class LogLevel { kError = 3, kWarning = 4, kNotice = 5, kInfo = 6, kDebug = 7 };

/// One line for people about something that happened. Never per frame, never per sample.
///
/// Threads  any.
/// Bound    five lines per `topic` in ten seconds; what is beyond is counted and the count is said with the
///          next line.
/// Shape    `topic` is a short constant ("link", "store.full"); `text` one sentence without a newline.
void log(LogLevel level, std::string_view topic, std::string_view text);
inline void log_error(std::string_view topic, std::string_view text) { log(LogLevel::kError, topic, text); }
inline void log_warning(std::string_view topic, std::string_view text) {
  log(LogLevel::kWarning, topic, text);
}
inline void log_info(std::string_view topic, std::string_view text) { log(LogLevel::kInfo, topic, text); }

/// Warnings and errors of this process lately, whether they were written or not. Oldest first.
std::vector<Problem> recent_problems();

/// Lines less severe than this are not written. Default kInfo.
void set_log_level(LogLevel least_severe);
/// Where lines go; default stderr, with the journald prefix when JOURNAL_STREAM is set.
void set_log_sink(std::function<void(LogLevel, std::string_view line)> sink);

}  // namespace outrider
