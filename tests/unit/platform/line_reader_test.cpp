// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/line_reader.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "tests/unit/platform/temporary_file.h"

namespace outrider {
namespace {

std::vector<std::string> all_lines(LineReader& reader) {
  std::vector<std::string> lines;
  while (true) {
    while (const std::optional<std::string_view> line = reader.next()) lines.emplace_back(*line);
    const Result<LineReader::Supply> supply = reader.fill(milliseconds(1000));
    REQUIRE(supply);
    if (*supply != LineReader::Supply::kEnd) continue;
    while (const std::optional<std::string_view> line = reader.next()) lines.emplace_back(*line);
    return lines;
  }
}

}  // namespace

TEST_CASE("line reader: lines come in order across the edges of the buffer") {
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 20'000; ++i) {
    expected.push_back(std::string(static_cast<std::size_t>(i % 97), 'x') + std::to_string(i));
    text += expected.back() + "\n";
  }
  const TemporaryFile file(text);
  Result<LineReader> reader = LineReader::open(file.path());
  REQUIRE(reader);
  CHECK(all_lines(*reader) == expected);
  CHECK(reader->overlong_lines() == 0);
}

TEST_CASE("line reader: the last line needs no line feed, and empty lines are lines") {
  const TemporaryFile file("one\n\ntwo");
  Result<LineReader> reader = LineReader::open(file.path());
  REQUIRE(reader);
  CHECK(all_lines(*reader) == std::vector<std::string>{"one", "", "two"});
}

TEST_CASE("line reader: overlong lines are left out and counted, wherever they end") {
  const std::string longest(LineReader::kLongestLine, 'a');
  for (const std::size_t length : {LineReader::kLongestLine + 1, std::size_t{70'000}, std::size_t{300'000}}) {
    CAPTURE(length);
    const std::string overlong(length, 'b');
    const TemporaryFile file(longest + "\n" + overlong + "\nshort\n" + overlong);
    Result<LineReader> reader = LineReader::open(file.path());
    REQUIRE(reader);
    CHECK(all_lines(*reader) == std::vector<std::string>{longest, "short"});
    CHECK(reader->overlong_lines() == 2);
  }
}

TEST_CASE("line reader: a missing file and a directory are refused with a reason") {
  const Result<LineReader> missing = LineReader::open("no/such/file.log");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().fault == Fault::kReject);
  CHECK(missing.error().text.find("no/such/file.log: No such file") != std::string::npos);
  const Result<LineReader> directory = LineReader::open(std::filesystem::temp_directory_path().string());
  REQUIRE_FALSE(directory);
  CHECK(directory.error().text.find("directory") != std::string::npos);
}

}  // namespace outrider
