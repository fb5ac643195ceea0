// SPDX-License-Identifier: Apache-2.0
#include "agent/base/quantity.h"

#include <doctest/doctest.h>

using namespace outrider;

TEST_CASE("duration: every unit") {
  CHECK(*parse_duration("500ms") == milliseconds(500));
  CHECK(*parse_duration("20s") == seconds(20));
  CHECK(*parse_duration("1.5s") == milliseconds(1500));
  CHECK(*parse_duration("5min") == std::chrono::minutes(5));
  CHECK(*parse_duration("72h") == std::chrono::hours(72));
  CHECK(*parse_duration("7d") == std::chrono::hours(168));
  CHECK(*parse_duration("0s") == milliseconds(0));
}

TEST_CASE("duration: what is not one is refused with what would be right") {
  for (const char* wrong :
       {"", "500", "5 s", "-1s", "s", "1e3s", "5sec", "infs", "nans", "99999999999999d"}) {
    CAPTURE(wrong);
    const auto parsed = parse_duration(wrong);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().fault == Fault::kReject);
    CHECK(parsed.error().text.find("500ms") != std::string::npos);
  }
}

TEST_CASE("size: powers of 1024 and of 1000") {
  CHECK(*parse_size("512B") == 512);
  CHECK(*parse_size("64KiB") == 65'536);
  CHECK(*parse_size("256MiB") == 268'435'456);
  CHECK(*parse_size("2GiB") == 2'147'483'648);
  CHECK(*parse_size("64kB") == 64'000);
  CHECK(*parse_size("0.5MiB") == 524'288);
  CHECK_FALSE(parse_size("64K"));
  CHECK_FALSE(parse_size("64"));
  CHECK_FALSE(parse_size("kB"));
}

TEST_CASE("quantities: words for people") {
  CHECK(duration_text(milliseconds(250)) == "250 ms");
  CHECK(duration_text(milliseconds(1500)) == "1.5 s");
  CHECK(duration_text(seconds(20)) == "20 s");
  CHECK(duration_text(seconds(192)) == "3 min 12 s");
  CHECK(duration_text(std::chrono::minutes(192)) == "3 h 12 min");
  CHECK(duration_text(std::chrono::hours(75)) == "3 d 3 h");
  CHECK(size_text(512) == "512 B");
  CHECK(size_text(65'536) == "64.0 KiB");
  CHECK(size_text(3ULL << 30) == "3.0 GiB");
}
