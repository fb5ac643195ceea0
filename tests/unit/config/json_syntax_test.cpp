// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/config/config_text.h"

namespace outrider {
namespace {

TEST_CASE("config syntax: what breaks the JSON is told with line, column and what would be right") {
  const struct {
    std::string text;
    std::string problem;
  } cases[] = {
      {"", "1:1: there is nothing to read; a configuration is an object: { … }"},
      {"   // nothing\n", "1:1: there is nothing to read; a configuration is an object: { … }"},
      {"{\n  \"vehicle_id\": \"a\",\n}", "2:20: there is a comma after the last entry; remove it"},
      {"{\"signals\": [1, 2, /* last, really */ ]}",
       "1:18: there is a comma after the last entry; remove it"},
      {"{\n  \"vehicle_id\": \"a\"\n  \"buses\": []\n}", "3:3: read \"buses\"; a comma is missing before it"},
      {"{\"a\": [1 2]}", "1:10: read \"2\"; a comma is missing before it"},
      {"{\"a\" 1}", "1:6: read \"1\"; a ':' is missing after the key before it"},
      {"{\"a\": }",
       "1:7: read \"}\"; a value is missing here: a text, a number, true, false, a list or an object"},
      {"{\"a\": 1, 5: 2}", "1:10: read \"5\"; a key in double quotes would be right here"},
      {"{\"a\": 1]", "1:8: read \"]\"; ',' or '}' would be right here"},
      {"{\"a\": [1, 2}", "1:12: read \"}\"; ',' or ']' would be right here"},
      {"{vehicle_id: \"a\"}",
       "1:2: read \"vehicle_id\" without quotes; keys and texts need double quotes, and the only bare words "
       "are true, false and null"},
      {"{'vehicle_id': \"a\"}", "1:2: read a single quote; keys and texts need double quotes"},
      {"{\"a\": True}", "1:7: read \"True\" without quotes; write true or false"},
      {"{\"a\": nul}",
       "1:7: read \"nul\" without quotes; keys and texts need double quotes, and the only bare words are "
       "true, false and null"},
      {"{\"a\": NaN}",
       "1:7: read \"NaN\" without quotes; keys and texts need double quotes, and the only bare words are "
       "true, false and null"},
      {"{\"a\": = 5}", "1:7: read \"=\", which means nothing here; keys and texts need double quotes"},
      {"{\"a\": \"text\n\"}", "1:7: a text is not closed; it ends with a double quote on the same line"},
      {"{\"a\": \"text", "1:7: a text is not closed; it ends with a double quote on the same line"},
      {"{\"a\": \"tab\there\"}", "1:7: a text holds a tab; write it as \\t"},
      {"{\"a\": \"\\d\"}",
       "1:7: a backslash in a text must be followed by one of \"\\/bfnrtu; for a backslash write two"},
      {"{\"a\": \"\\u12\"}", "1:7: \\u in a text needs four hex digits; for a backslash write two"},
      {"{\"a\": \"\\ud800\"}", "1:7: \\u in a text is half of a character; write the character itself"},
      {"{\"a\": \"\xFF\"}", "1:7: this is not UTF-8; save the file as UTF-8"},
      {"{\"a\": -}", "1:7: a number is not complete; write it like 12, -0.5 or 1e3"},
      {"{\"a\": 1.}", "1:7: a number is not complete; write it like 12, -0.5 or 1e3"},
      {"{\"a\": 1e999}", "1:7: the number is too large; the largest is about 1.8e308"},
      {"{\"a\": 1} {", "1:10: read \"{\"; nothing may follow the end of the configuration"},
      {"{\"a\": /* 1}", "1:7: a comment is not closed; it ends with */"},
      {"{\"a\": / 1}", "1:7: a single '/' means nothing here; comments begin with // or /*"},
      {"{\n\"a\": {\n\"b\": [\n1\n",
       "4:2: the text ends too early; the list that begins in line 3 needs its ']'"},
      {"{\n\"a\": {\n\"b\": 1\n",
       "3:7: the text ends too early; the object that begins in line 2 needs its '}'"},
      {"{\"ö\": \"ü\" ß}", "1:11: read \"ß\", which means nothing here; keys and texts need double quotes"},
      {"\xEF\xBB{}", "1:2: the file begins with a broken byte order mark; save it as UTF-8"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.text);
    CHECK(refusal(one.text) == std::string("t.json:") + one.problem);
  }
}

TEST_CASE("config syntax: a key that is there twice is refused, at any depth") {
  CHECK(refusal("{\"vehicle_id\": \"a\",\n \"buses\": [{\"name\": \"can0\", \"dbc\": [\"a.dbc\"]}],\n"
                "\"publish\": {\"brokers\": [\"mqtts://a\"],\n\"mqtt\": \"5\", \"mqtt\": \"5\"},\n"
                "\"signals\": [\"A\", {\"signal\": \"B\", \"signal\": \"C\"}],\n\"vehicle_id\": \"b\"}") ==
        "t.json:4: publish.mqtt: is there twice; keep one of them\n"
        "t.json:5: signals[1].signal: is there twice; keep one of them\n"
        "t.json:6: vehicle_id: is there twice; keep one of them");
}

TEST_CASE("config syntax: both kinds of comments and a byte order mark are read over") {
  const Result<Config> config =
      parse("\xEF\xBB\xBF// one\n{ /* two\n // */ \"vehicle_id\": \"a//b\" , \"buses\": 5}\n// three");
  REQUIRE_FALSE(config);
  CHECK(config.error().text.find("t.json:3: vehicle_id: is \"a//b\"; it becomes") != std::string::npos);
}

TEST_CASE("config syntax: deep nesting and countless keys are refused, not followed") {
  CHECK(refusal(std::string(100'000, '[')) ==
        "t.json:1: "
        "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: is "
        "nested deeper than 32 levels; a configuration needs only a few");
  std::string keys = "{";
  for (int i = 0; i < 1001; ++i) keys += "\"k" + std::to_string(i) + "\": 1,";
  CHECK(refusal(keys + "\"end\": 1}") == "t.json:1: has more keys than any object of a configuration");
  CHECK(refusal(std::string((1U << 20U) + 1, ' ')) ==
        "t.json: is larger than 1 MiB; a configuration is a few KiB of JSON");
}

TEST_CASE("config syntax: what is no object is refused") {
  CHECK(refusal("[]") == "t.json:1: is a list; write an object: { … }");
  CHECK(refusal("\n5") == "t.json:2: is the number 5; write an object: { … }");
  CHECK(refusal("null") == "t.json:1: is null; write an object: { … }");
}

}  // namespace
}  // namespace outrider
