// SPDX-License-Identifier: Apache-2.0
#include "agent/status/json_writer.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

using namespace outrider;

TEST_CASE("json writer: objects and lists inside each other, with commas where they belong") {
  JsonWriter json;
  json.open("empty");
  json.close();
  json.open_list("list");
  json.text("", "a");
  json.open("");
  json.flag("yes", true);
  json.null("none");
  json.close();
  json.integer("", -3);
  json.close();
  json.number("pi", 3.14159, 2);
  json.number("absent", std::nullopt);
  CHECK(json.finish() == R"({"empty":{},"list":["a",{"yes":true,"none":null},-3],"pi":3.14,"absent":null})");
}

TEST_CASE("json writer: any name and text and number comes out as it went in") {
  const std::string name = "a \"name\"\n\\";
  JsonWriter json;
  json.count(name, std::numeric_limits<std::uint64_t>::max());
  json.text("", "\x01 and ü");
  const auto read = nlohmann::json::parse(json.finish());
  CHECK(read[name].get<std::uint64_t>() == std::numeric_limits<std::uint64_t>::max());
  CHECK(read[""] == "\x01 and ü");
}

TEST_CASE("json writer: what is no number is null") {
  JsonWriter json;
  json.number("a", std::numeric_limits<double>::infinity());
  CHECK(json.finish() == R"({"a":null})");
}
