// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/row_text.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace outrider;

namespace {

BootTime ms(int value) { return BootTime(milliseconds(value)); }
const RowTime kTen{.time = WallTime(milliseconds(1'795'341'600'500)), .quality = ClockQuality::kSynced};

Row gap(Sequence from, Sequence through) {
  return {.seq = from,
          .through = through,
          .format = RowFormat::kGap,
          .payload = gap_payload({.parts = {{"buffer_full", 249, 31022}}})};
}

std::string message(RowFormat format, const std::vector<Row>& rows) {
  MessageText text("truck \"17\"", "7-5f3a91c2");
  text.begin(format);
  for (const Row& row : rows) {
    if (row.format == RowFormat::kGap)
      text.add_gap(row, parse_gap(row.payload), kTen.time, kTen.time + seconds(124));
    else
      text.add(row, kTen);
  }
  return std::string(text.finish());
}

}  // namespace

TEST_CASE("message: columns rows and gap records in one object") {
  const Row row{.seq = 1201, .through = 1201, .payload = R"("signals":{"rpm":{"t":[40],"v":[1740]}})"};
  CHECK(
      message(RowFormat::kColumnsJson, {row, gap(1202, 1450)}) ==
      R"({"schema":"outrider/telemetry/1","vehicle_id":"truck \"17\"","epoch":"7-5f3a91c2","rows":[)"
      R"({"seq":1201,"time":"2026-11-22T10:00:00.500Z","clock":"synced","signals":{"rpm":{"t":[40],"v":[1740]}}},)"
      R"({"seq":1202,"through":1450,"lost_rows":{"cause":"buffer_full","rows":249,"samples":31022,)"
      R"("from":"2026-11-22T10:00:00.500Z","to":"2026-11-22T10:02:04.500Z"}}]})");
}

TEST_CASE("message: records are flat objects with their own time, one per instant") {
  RowBuilder rows(Layout::kRecords, 4096, 100);
  rows.know({{.name = "speed", .decimals = 1}, {.name = "rpm"}});
  rows.add({.series = 0, .time = ms(100), .value = 53.2});
  rows.add({.series = 1, .time = ms(100), .value = 1740});
  rows.add({.series = 1, .time = ms(90), .value = 1700});
  rows.add({.series = 1, .time = ms(100), .value = 1741});
  Row row = rows.build({{"inbox.full", 2}}, {});
  row.seq = row.through = 5;
  const auto parsed = nlohmann::json::parse(message(RowFormat::kRecordsJson, {row, gap(6, 7)}));
  REQUIRE(parsed.size() == 4);
  CHECK(parsed[0].dump() ==
        R"({"clock":"synced","epoch":"7-5f3a91c2","event_timestamp":"2026-11-22T10:00:00.500Z",)"
        R"("lost":{"inbox.full":2},"part":0,"rpm":1700,"seq":5,"vehicle_id":"truck \"17\""})");
  CHECK(parsed[1]["speed"] == 53.2);
  CHECK(parsed[1]["rpm"] == 1740);
  CHECK(parsed[1]["event_timestamp"] == "2026-11-22T10:00:00.510Z");
  CHECK(parsed[1]["part"] == 1);
  CHECK(parsed[2]["rpm"] == 1741);  // a second value in the same millisecond is not lost
  CHECK(parsed[2]["part"] == 2);
  CHECK(parsed[3]["through"] == 7);
  CHECK(parsed[3]["vehicle_id"] == "truck \"17\"");
}

TEST_CASE("message: a bound is never below the bytes a row takes") {
  for (const Layout layout : {Layout::kColumns, Layout::kRecords}) {
    RowBuilder rows(layout, 8192, 100);
    rows.know({{.name = "speed", .decimals = 1}, {.name = "rpm"}});
    for (int i = 0; i < 50; ++i)
      rows.add({.series = static_cast<SeriesIndex>(i % 2), .time = ms(i * 3), .value = i * 1234567.0625});
    Row row = rows.build({{"x", 1}}, "abc");
    row.seq = row.through = 9'000'000'000'000;
    MessageText text("vehicle", "7-5f3a91c2");
    text.begin(row.format);
    const std::size_t bound = text.bound(row);
    text.begin(row.format);
    text.add(row, kTen);
    const std::size_t with = text.finish().size();
    text.begin(row.format);
    const std::size_t without = text.finish().size();
    CHECK(with - without <= bound);
    Row lost = gap(1, 1'000'000'000'000);
    text.begin(row.format);
    text.add_gap(lost, parse_gap(lost.payload), kTen.time, kTen.time);
    CHECK(text.finish().size() - without <= text.bound(lost));
  }
}

TEST_CASE("message: rows of another kind and rows beyond the limit wait for the next message") {
  const Row columns{
      .seq = 1, .through = 1, .format = RowFormat::kColumnsJson, .payload = std::string(1000, ' ')};
  const Row records{.seq = 2, .through = 2, .format = RowFormat::kRecordsJson};
  MessageText text("v", "1-0");
  text.begin(RowFormat::kColumnsJson);
  CHECK_FALSE(text.takes(records, 1 << 20));
  CHECK(text.takes(columns, 10));  // the first one always goes, or nothing ever would
  text.add(columns, kTen);
  CHECK(text.takes(columns, 4000));
  CHECK_FALSE(text.takes(columns, 2000));
}

TEST_CASE("message: a damaged records payload ends the row instead of reading past it") {
  Row row{.seq = 1, .through = 1, .format = RowFormat::kRecordsJson};
  append_record(row.payload, milliseconds(0), "\"a\":1");
  row.payload.resize(row.payload.size() - 2);
  const std::string text = message(RowFormat::kRecordsJson, {row});
  CHECK(text.starts_with("[{"));
  CHECK(text.ends_with("}]"));
}
TEST_CASE("row text: losses that were reported elsewhere go from a row, and nothing else does") {
  const auto columns = [](std::string payload) {
    Row row{.format = RowFormat::kColumnsJson, .lost = 5, .payload = std::move(payload)};
    drop_reported_losses(row);
    CHECK(row.lost == 0);
    return row.payload;
  };
  const std::string signals = R"("signals":{"lost":{"t":[0],"v":[1]},"a\",\"lost\":{}":{"t":[0],"v":[2]}})";
  const std::string catalogue = R"(,"catalogue":"0123")";
  const std::string losses = R"(,"lost":{"can0.overrun":2,"a}b\"":3})";
  CHECK(columns(signals + losses + catalogue) == signals + catalogue);
  CHECK(columns(signals + losses) == signals);
  CHECK(columns(signals + catalogue) == signals + catalogue);
  CHECK(columns(R"("signals":{})" + losses) == R"("signals":{})");
  for (const std::string broken : {"", "x", R"("signals":{"lost":{)", R"("signals)", R"(}},"lost":{"a":1})"})
    CHECK(columns(broken) == broken);

  Row records{.format = RowFormat::kRecordsJson, .lost = 5};
  append_record(records.payload, milliseconds(0), R"("speed":1)" + losses + catalogue);
  append_record(records.payload, milliseconds(7), R"("lost":3,"speed":2)");
  append_record(records.payload, milliseconds(9), losses.substr(1));
  std::string expected;
  append_record(expected, milliseconds(0), R"("speed":1)" + catalogue);
  append_record(expected, milliseconds(7), R"("lost":3,"speed":2)");
  append_record(expected, milliseconds(9), "");
  drop_reported_losses(records);
  CHECK(records.payload == expected);
}
