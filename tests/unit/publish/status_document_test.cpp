// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/status_document.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace outrider;

TEST_CASE("status document: says what the signals are and names the catalogue by its content") {
  const std::vector<SeriesInfo> series{{.name = "temp", .unit = "°C", .source = "EEC1.Temp", .bus = "can0"}};
  const StatusDocument document{
      .vehicle_id = "v", .agent = "outrider-v", .is_online = true, .epoch = "1-0", .series = &series};
  const auto parsed = nlohmann::json::parse(status_text(document, WallTime{}));
  CHECK(parsed["schema"] == "outrider/status/1");
  CHECK(parsed["online"] == true);
  CHECK(parsed["signals"][0]["unit"] == "°C");
  CHECK(parsed["signals"][0]["source"] == "EEC1.Temp");
  CHECK(parsed["catalogue"] == catalogue_digest(series));
  CHECK(parsed["layout"] == "columns");

  std::vector<SeriesInfo> other = series;
  other[0].unit = "K";
  CHECK(catalogue_digest(other) != catalogue_digest(series));
  CHECK(catalogue_digest(other).size() == 16);
}

TEST_CASE("status document: vehicles that share a connection make no claim about it") {
  const std::vector<SeriesInfo> none;
  const auto parsed = nlohmann::json::parse(status_text(
      {.vehicle_id = "v", .agent = "a", .is_online = {}, .epoch = "1-0", .series = &none}, WallTime{}));
  CHECK_FALSE(parsed.contains("online"));
  CHECK(parsed["signals"].empty());
}
