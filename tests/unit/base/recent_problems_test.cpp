// SPDX-License-Identifier: Apache-2.0
#include "agent/base/recent_problems.h"

#include <doctest/doctest.h>

#include "agent/base/log.h"

using namespace outrider;

namespace {

Problem::Time at(int second) { return Problem::Time(std::chrono::seconds(second)); }

}  // namespace

TEST_CASE("recent problems: a topic that comes again is one entry, with its newest text and both its times") {
  RecentProblems problems;
  problems.note(false, "link", "lost", at(1));
  problems.note(true, "store", "full", at(2));
  problems.note(true, "link", "refused", at(3));
  REQUIRE(problems.all().size() == 2);
  CHECK(problems.all()[0].topic == "store");
  const Problem& link = problems.all()[1];
  CHECK(link.topic == "link");
  CHECK(link.text == "refused");
  CHECK(link.is_error);
  CHECK(link.count == 2);
  CHECK(link.first == at(1));
  CHECK(link.last == at(3));
}

TEST_CASE("recent problems: when there are too many topics, the one that was silent for longest goes") {
  RecentProblems problems;
  for (int i = 0; i < 8; ++i) problems.note(false, std::to_string(i), "text", at(i));
  problems.note(false, "0", "again", at(10));
  problems.note(false, "new", "text", at(11));
  REQUIRE(problems.all().size() == RecentProblems::kMost);
  CHECK(problems.all().front().topic == "2");
  CHECK(problems.all()[6].topic == "0");
  CHECK(problems.all().back().topic == "new");
}

TEST_CASE("recent problems: an endless text is cut") {
  RecentProblems problems;
  problems.note(false, "topic", std::string(100'000, 'x'), at(0));
  CHECK(problems.all().front().text.size() == RecentProblems::kLongestText);
}

TEST_CASE("log: warnings and errors are remembered, those of a flood too, other lines are not") {
  set_log_sink([](LogLevel, std::string_view) {});
  set_log_level(LogLevel::kError);
  for (int i = 0; i < 100; ++i) log_warning("link", "lost " + std::to_string(i));
  log_error("store", "full");
  log_info("link", "connected");
  const std::vector<Problem> problems = recent_problems();
  set_log_level(LogLevel::kInfo);
  set_log_sink({});
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].text == "lost 99");
  CHECK(problems[0].count == 100);
  CHECK_FALSE(problems[0].is_error);
  CHECK(problems[1].text == "full");
  CHECK(problems[1].is_error);
  CHECK(recent_problems().empty());
}
