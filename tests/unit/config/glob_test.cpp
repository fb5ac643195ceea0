// SPDX-License-Identifier: Apache-2.0
#include "agent/config/glob.h"

#include <doctest/doctest.h>

#include <string>

#include "agent/config/suggest.h"
#include "agent/config/text_rules.h"

namespace outrider {
namespace {

TEST_CASE("glob: a star is any run, a question mark one character, the rest itself") {
  CHECK(glob_matches("EngineSpeed", "EngineSpeed"));
  CHECK(glob_matches("*", ""));
  CHECK(glob_matches("*", "anything"));
  CHECK(glob_matches("Engine*", "EngineSpeed"));
  CHECK(glob_matches("*Speed", "EngineSpeed"));
  CHECK(glob_matches("E*S*d", "EngineSpeed"));
  CHECK(glob_matches("*a*b*c", "xxaxxbxxabc"));
  CHECK(glob_matches("Wheel?", "Wheel1"));
  CHECK(glob_matches("?", "ä"));
  CHECK(glob_matches("**", "x"));
  CHECK(glob_matches("", ""));
}

TEST_CASE("glob: nothing less than the whole text matches") {
  CHECK_FALSE(glob_matches("Engine", "EngineSpeed"));
  CHECK_FALSE(glob_matches("Speed", "EngineSpeed"));
  CHECK_FALSE(glob_matches("enginespeed", "EngineSpeed"));
  CHECK_FALSE(glob_matches("Wheel?", "Wheel"));
  CHECK_FALSE(glob_matches("Wheel?", "Wheel12"));
  CHECK_FALSE(glob_matches("*a*b", "ba"));
  CHECK_FALSE(glob_matches("", "x"));
  CHECK_FALSE(glob_matches("?", ""));
}

TEST_CASE("glob: many stars over a long text that does not match end soon") {
  const std::string text(2000, 'a');
  CHECK_FALSE(glob_matches("*a*a*a*a*a*a*a*a*b", text));
}

TEST_CASE("suggest: the nearest names come first, and strangers not at all") {
  const std::vector<std::string_view> names{"max_bytes", "max_message", "directory", "commit_interval"};
  CHECK(did_you_mean("max_byte", names) == "did you mean \"max_bytes\"?");
  CHECK(did_you_mean("MAX_BYTES", names) == "did you mean \"max_bytes\"?");
  CHECK(did_you_mean("direcotry", names) == "did you mean \"directory\"?");
  CHECK(did_you_mean("colour", names).empty());
  CHECK(did_you_mean("", names).empty());
  CHECK(did_you_mean(std::string(1000, 'x'), names).empty());
  CHECK(nearest_names("EngineSped", {"EngineSpeed", "EngineLoad", "EngineSpeed2"}, 3) ==
        std::vector<std::string_view>{"EngineSpeed", "EngineSpeed2"});
}

TEST_CASE("text: control characters are seen in any form") {
  CHECK(has_control_characters("a\tb"));
  CHECK(has_control_characters("a\x7F"));
  CHECK(has_control_characters("a\xC2\x85"));
  CHECK_FALSE(has_control_characters("a\xC2\xA0"));
  CHECK_FALSE(has_control_characters("ä€"));
}

}  // namespace
}  // namespace outrider
