// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/row_builder.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace outrider;

namespace {

BootTime ms(int value) { return BootTime(milliseconds(value)); }

const std::vector<SeriesInfo> kSeries{{.name = "speed", .unit = "km/h", .decimals = 1},
                                      {.name = "quote\"d", .decimals = 0},
                                      {.name = "rpm", .decimals = 3}};

RowBuilder builder(Layout layout, std::size_t max_bytes = 16 << 10) {
  RowBuilder made(layout, max_bytes, 100);
  made.know(kSeries);
  return made;
}

}  // namespace

TEST_CASE("row builder: columns hold a time and a value array per signal, relative to the earliest sample") {
  RowBuilder rows = builder(Layout::kColumns);
  CHECK(rows.add({.series = 0, .time = ms(1000), .value = 53.2}));
  CHECK(rows.add({.series = 2, .time = ms(990), .value = 1740.125}));
  CHECK(rows.add({.series = 0, .time = ms(1100), .value = 53.4}));
  const Row row = rows.build({}, {});
  CHECK(row.time == ms(990));
  CHECK(row.samples == 3);
  CHECK(row.format == RowFormat::kColumnsJson);
  CHECK(row.payload ==
        R"("signals":{"speed":{"t":[10,110],"v":[53.2,53.4]},"rpm":{"t":[0],"v":[1740.125]}})");
  CHECK(rows.is_empty());
}

TEST_CASE("row builder: losses and the catalogue travel behind the signals") {
  RowBuilder rows = builder(Layout::kColumns);
  rows.add({.series = 1, .time = ms(0), .value = 1});
  const Row row = rows.build({{"can0.overrun", 12}, {"rpm.invalid", 3}}, "0123456789abcdef");
  CHECK(row.payload ==
        R"("signals":{"quote\"d":{"t":[0],"v":[1]}},"lost":{"can0.overrun":12,"rpm.invalid":3},)"
        R"("catalogue":"0123456789abcdef")");
  CHECK(rows.build_losses({{"inbox.full", 1}}, ms(5)).payload == R"("signals":{},"lost":{"inbox.full":1})");
}

TEST_CASE("row builder: a second row starts from nothing") {
  RowBuilder rows = builder(Layout::kColumns);
  rows.add({.series = 0, .time = ms(0), .value = 1});
  (void)rows.build({}, {});
  rows.add({.series = 0, .time = ms(500), .value = 2});
  CHECK(rows.build({}, {}).payload == R"("signals":{"speed":{"t":[0],"v":[2]}})");
}

TEST_CASE("row builder: refuses a sample before the payload could exceed its bound") {
  for (const Layout layout : {Layout::kColumns, Layout::kRecords}) {
    RowBuilder rows = builder(layout, 8192);
    int added = 0;
    while (rows.add({.series = static_cast<SeriesIndex>(added % 3),
                     .time = ms(added * 7),
                     .value = -1.2345678901234567e-300}))
      ++added;
    CHECK(added > 10);
    CHECK(rows.build({}, {}).payload.size() <= 8192);
    CHECK(rows.add({.series = 0, .time = ms(0), .value = 1}));
  }
}

TEST_CASE("losses: causes are few and bounded, and every count is kept") {
  LossCounts losses;
  for (int i = 0; i < 1000; ++i) count_loss(losses, std::string(200, 'x') + "signal" + std::to_string(i), 2);
  for (int i = 0; i < 1000; ++i) count_loss(losses, "signal" + std::to_string(i) + ".invalid", 1);
  count_loss(losses, "never", 0);
  CHECK(losses.size() <= kMostLossCauses);
  CHECK(total(losses) == 3000);
  CHECK(losses.at("other") > 900);
  RowBuilder rows = builder(Layout::kColumns, 4096);
  while (rows.add({.series = 0, .time = ms(0), .value = -1.2345678901234567e-300})) {
  }
  CHECK(rows.build(losses, "0123456789abcdef").payload.size() <= 4096);
}

TEST_CASE("row builder: a sample that alone exceeds the bound still gets a row") {
  RowBuilder rows = builder(Layout::kColumns, 1);
  CHECK(rows.add({.series = 0, .time = ms(0), .value = 1}));
  CHECK_FALSE(rows.add({.series = 0, .time = ms(1), .value = 1}));
}
