// SPDX-License-Identifier: Apache-2.0
#include "agent/base/log.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace outrider;

namespace {

/// Catches lines for as long as it lives.
struct CaughtLog {
  CaughtLog() {
    set_log_sink([this](LogLevel, std::string_view line) { lines.emplace_back(line); });
  }
  ~CaughtLog() {
    set_log_sink({});
    set_log_level(LogLevel::kInfo);
  }
  CaughtLog(const CaughtLog&) = delete;
  CaughtLog& operator=(const CaughtLog&) = delete;
  std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("log: a flood of one topic is cut, other topics still pass") {
  CaughtLog caught;
  for (int i = 0; i < 1000; ++i) log_error("link", "cannot connect");
  log_error("store", "disk full");
  REQUIRE(caught.lines.size() == 6);
  CHECK(caught.lines.front() == "link: cannot connect");
  CHECK(caught.lines.back() == "store: disk full");
}

TEST_CASE("log: lines below the level are not written") {
  CaughtLog caught;
  set_log_level(LogLevel::kWarning);
  log_info("a", "quiet");
  log_warning("b", "loud");
  CHECK(caught.lines == std::vector<std::string>{"b: loud"});
}
