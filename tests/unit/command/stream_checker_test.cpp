// SPDX-License-Identifier: Apache-2.0
#include "agent/command/stream_checker.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

using namespace outrider;

namespace {

constexpr WallTime kReceived =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + std::chrono::hours{10} + seconds{2};
const std::string kTime = R"("time":"2026-11-22T10:00:00.500Z","clock":"synced")";

std::string row(int seq, const std::string& values = "53.2,53.4") {
  return R"({"seq":)" + std::to_string(seq) + "," + kTime + R"(,"signals":{"Speed":{"t":[0,100],"v":[)" +
         values + "]}}}";
}

std::string gap(int seq, int through, int samples) {
  return R"({"seq":)" + std::to_string(seq) + R"(,"through":)" + std::to_string(through) +
         R"(,"lost_rows":{"cause":"buffer_full","rows":)" + std::to_string(through - seq + 1) +
         R"(,"samples":)" + std::to_string(samples) +
         R"(,"from":"2026-11-22T10:00:01Z","to":"2026-11-22T10:02:05Z"}})";
}

std::string columns(std::initializer_list<std::string> rows, const std::string& vehicle = "truck-17",
                    const std::string& epoch = "7-5f3a91c2") {
  std::string joined;
  for (const std::string& one : rows) joined += (joined.empty() ? "" : ",") + one;
  return R"({"schema":"outrider/telemetry/1","vehicle_id":")" + vehicle + R"(","epoch":")" + epoch +
         R"(","rows":[)" + joined + "]}";
}

std::string event(int seq, const std::string& name) {
  return R"({"schema":"outrider/event/1","vehicle_id":"truck-17","epoch":"7-5f3a91c2","rows":[{"seq":)" +
         std::to_string(seq) + "," + kTime + R"(,"event":")" + name + R"(","evidence":{"signals":[1,2]}}]})";
}

/// An object of the records layout; `rest` holds "part" and the values.
std::string record(int seq, const std::string& rest, const std::string& second = "00.500") {
  return R"({"vehicle_id":"truck-17","event_timestamp":"2026-11-22T10:00:)" + second +
         R"(Z","epoch":"7-5f3a91c2","seq":)" + std::to_string(seq) + R"(,"clock":"synced",)" + rest + "}";
}

std::string records(std::initializer_list<std::string> objects) {
  std::string joined;
  for (const std::string& one : objects) joined += (joined.empty() ? "" : ",") + one;
  return "[" + joined + "]";
}

std::string gap_in_records(int seq, int through, const std::string& more = "") {
  return record(seq, R"("through":)" + std::to_string(through) + more +
                         R"(,"lost_rows":{"cause":"age","rows":)" + std::to_string(through - seq + 1) +
                         R"(,"samples":77,"from":"2026-11-22T10:00:01Z","to":"2026-11-22T10:02:05Z"})");
}

StreamReport report_of(std::initializer_list<std::string> messages, StreamCheckerOptions options = {}) {
  StreamChecker checker(options);
  for (const std::string& message : messages) checker.take(message, kReceived);
  return checker.report();
}

}  // namespace

TEST_CASE("stream checker: rows in order are fine, and their samples are counted") {
  const StreamReport report = report_of({columns({row(1), row(2)}), columns({row(3)})});
  CHECK(report.is_fine());
  CHECK(report.messages == 2);
  CHECK(report.rows == 3);
  CHECK(report.samples == 6);
  CHECK(report.streams == 1);
  CHECK(report.epochs == 1);
}

TEST_CASE("stream checker: nothing at all is not fine") { CHECK_FALSE(report_of({}).is_fine()); }

TEST_CASE("stream checker: a repeat is counted as such and its samples only once") {
  const StreamReport report = report_of({columns({row(1), row(2)}), columns({row(1), row(2), row(3)})});
  CHECK(report.is_fine());
  CHECK(report.repeats == 2);
  CHECK(report.rows == 3);
  CHECK(report.samples == 6);
}

TEST_CASE("stream checker: a repeat with another content is a conflict") {
  const StreamReport report = report_of({columns({row(1)}), columns({row(1, "53.2,53.5")})});
  CHECK(report.conflicts == 1);
  CHECK_FALSE(report.is_fine());
}

TEST_CASE("stream checker: what a clock sync corrects is no conflict") {
  const std::string later =
      R"({"seq":1,"time":"2026-11-22T10:00:07Z","clock":"corrected","signals":{"Speed":{"t":[0,100],"v":[53.2,53.4]}}})";
  const StreamReport report = report_of({columns({row(1)}), columns({later})});
  CHECK(report.conflicts == 0);
  CHECK(report.repeats == 1);
}

TEST_CASE("stream checker: another name, time offset, loss count or type is a conflict") {
  const std::string first = R"({"seq":1,"signals":{"a":{"t":[0],"v":[1]}},"lost":{"can0":1}})";
  for (const char* other : {R"({"seq":1,"signals":{"b":{"t":[0],"v":[1]}},"lost":{"can0":1}})",
                            R"({"seq":1,"signals":{"a":{"t":[5],"v":[1]}},"lost":{"can0":1}})",
                            R"({"seq":1,"signals":{"a":{"t":[0],"v":[1]}},"lost":{"can0":2}})",
                            R"({"seq":1,"signals":{"a":{"t":[0],"v":[true]}},"lost":{"can0":1}})",
                            R"({"seq":1,"signals":{"a":{"t":[0],"v":[1]}}})"}) {
    CAPTURE(other);
    CHECK(report_of({columns({first}), columns({other})}).conflicts == 1);
  }
}

TEST_CASE(
    "stream checker: a missing range is one gap, and fine again only when it came, though out of order") {
  CHECK(report_of({columns({row(1), row(5)})}).gaps == 1);
  CHECK(report_of({columns({row(1), row(5)})}).missing == 3);
  const StreamReport filled = report_of({columns({row(1), row(3)}), columns({row(2)})});
  CHECK(filled.gaps == 0);
  CHECK(filled.out_of_order == 1);
  CHECK_FALSE(filled.is_fine());
}

TEST_CASE("stream checker: a gap record covers its range and says what was lost") {
  const StreamReport report = report_of({columns({row(1), gap(2, 250, 31022), row(251)})});
  CHECK(report.is_fine());
  CHECK(report.gap_records == 1);
  CHECK(report.rows == 2);
  CHECK(report.reported_lost == 31022);
}

TEST_CASE("stream checker: a gap record that leaves numbers out does not cover them") {
  CHECK(report_of({columns({row(1), gap(2, 10, 5), row(12)})}).gaps == 1);
}

TEST_CASE("stream checker: a gap record that comes again counts once, one that grew counts what it added") {
  const StreamReport again =
      report_of({columns({row(1), gap(2, 9, 100)}), columns({gap(2, 9, 100), row(10)})});
  CHECK(again.is_fine());
  CHECK(again.repeats == 1);
  CHECK(again.reported_lost == 100);
  const StreamReport grown =
      report_of({columns({row(1), gap(2, 9, 100)}), columns({gap(2, 19, 250), row(20)})});
  CHECK(grown.is_fine());
  CHECK(grown.reported_lost == 250);
}

TEST_CASE("stream checker: a gap record over rows that did arrive is fine: the agent cannot know") {
  const StreamReport report = report_of({columns({row(1), row(2)}), columns({gap(2, 9, 100), row(10)})});
  CHECK(report.is_fine());
  CHECK(report.conflicts == 0);
}

TEST_CASE("stream checker: losses before a row had its number are added up, each row once") {
  const std::string lossy =
      R"({"seq":1,"signals":{},"lost":{"can0.overrun":12,"invalid":3},"catalogue":"c0ffee"})";
  const StreamReport report = report_of({columns({lossy}), columns({lossy})});
  CHECK(report.reported_lost == 15);
  CHECK(report.samples == 0);
  CHECK(report.is_fine());
}

TEST_CASE("stream checker: vehicles, channels and epochs have numbers of their own") {
  const StreamReport report = report_of({columns({row(7)}), columns({row(1)}, "truck-18"),
                                         event(3, "overheat"), columns({row(1)}, "truck-17", "8-0")});
  CHECK(report.is_fine());
  CHECK(report.streams == 3);
  CHECK(report.epochs == 4);
}

TEST_CASE("stream checker: the keys of a message may come in any order") {
  const StreamReport report =
      report_of({R"({"rows":[{"signals":{"a":{"v":[1],"t":[0]}},"seq":4}],"epoch":"1-a",)"
                 R"("vehicle_id":"v","schema":"outrider/telemetry/1"})"});
  CHECK(report.is_fine());
  CHECK(report.samples == 1);
}

TEST_CASE("stream checker: told to start at one, a stream that begins later has a gap") {
  CHECK(report_of({columns({row(2)})}).is_fine());
  CHECK(report_of({columns({row(2)})}, {.from_start = true}).gaps == 1);
}

TEST_CASE("stream checker: events are a stream; a repeat that tells another story is a conflict") {
  const StreamReport report =
      report_of({event(1, "overheat"), event(2, "stuck"), event(2, "stuck"), event(2, "fine")});
  CHECK(report.rows == 2);
  CHECK(report.samples == 0);
  CHECK(report.repeats == 2);
  CHECK(report.conflicts == 1);
}

TEST_CASE(
    "stream checker: in the records layout neighbours of one number are one row, and parts no samples") {
  const StreamReport report = report_of({records(
      {record(1, R"("part":0,"rpm":1740,"fuel":51.5)"), record(1, R"("part":1,"rpm":1750)", "00.600"),
       record(2, R"("part":0,"rpm":1760,"lost":{"can0.overrun":4},"catalogue":"c0ffee")", "01.000")})});
  CHECK(report.is_fine());
  CHECK(report.messages == 1);
  CHECK(report.rows == 2);
  CHECK(report.samples == 4);
  CHECK(report.reported_lost == 4);
}

TEST_CASE("stream checker: repeats, conflicts and gap records are known in the records layout too") {
  const std::string part_0 = record(1, R"("part":0,"rpm":1740)");
  const std::string first = records({part_0, record(1, R"("part":1,"rpm":1750)", "00.600")});
  const std::string lost = records({gap_in_records(2, 9), record(10, R"("part":0,"rpm":1)")});
  const StreamReport report = report_of({first, first, lost});
  CHECK(report.is_fine());
  CHECK(report.repeats == 1);
  CHECK(report.reported_lost == 77);
  CHECK(report.samples == 3);
  for (const std::string& changed :
       {records({part_0, record(1, R"("part":1,"rpm":1751)", "00.600")}), records({part_0}),
        records({record(1, R"("part":0,"rpm":1750)"), record(1, R"("part":1,"rpm":1740)", "00.600")}),
        records({part_0, record(1, R"("part":1,"rpm":1750)"), record(1, R"("part":2,"rpm":1750)")})}) {
    CAPTURE(changed);
    CHECK(report_of({first, changed}).conflicts == 1);
  }
}

TEST_CASE("stream checker: a clock sync may move a record's timestamp, as it is not part of the key") {
  const StreamReport report = report_of(
      {records({record(1, R"("part":0,"rpm":1)", "00.500"), record(1, R"("part":1,"rpm":2)", "00.600")}),
       records({record(1, R"("part":0,"rpm":1)", "07.000"), record(1, R"("part":1,"rpm":2)", "07.000")})});
  CHECK(report.is_fine());
  CHECK(report.repeats == 1);
}

TEST_CASE(
    "stream checker: the keys of a record may come in any order too, and parts begin anew behind a gap") {
  const StreamReport report =
      report_of({R"([{"rpm":1,"part":0,"seq":1,"epoch":"7-5f3a91c2","vehicle_id":"truck-17"},)"
                 R"({"rpm":2,"part":1,"seq":1,"epoch":"7-5f3a91c2","vehicle_id":"truck-17"},)" +
                 gap_in_records(2, 9) + "," + record(10, R"("part":0,"lost":{"age":3})") + "]"});
  CHECK(report.is_fine());
  CHECK(report.rows == 2);
  CHECK(report.samples == 2);
  CHECK(report.reported_lost == 80);
}

TEST_CASE("stream checker: parts that do not count 0, 1, 2 within their row break the message") {
  const std::string part_0 = record(7, R"("part":0,"rpm":1)");
  for (const auto& wrong : std::initializer_list<std::pair<std::string, std::string>>{
           {records({record(7, R"("rpm":1)")}), R"(object 0 of row 7 has no whole "part")"},
           {records({record(7, R"("part":0.5,"rpm":1)")}), R"(object 0 of row 7 has no whole "part")"},
           {records({record(7, R"("part":"0","rpm":1)")}), R"(object 0 of row 7 has no whole "part")"},
           {records({record(7, R"("part":1,"rpm":1)")}), R"(object 0 of row 7 has "part" 1)"},
           {records({record(7, R"("part":-1,"rpm":1)")}), R"(object 0 of row 7 has "part" -1)"},
           {records({part_0, part_0}), R"(object 1 of row 7 has "part" 0)"},
           {records({part_0, record(7, R"("part":2,"rpm":1)")}), R"(object 1 of row 7 has "part" 2)"},
           {records({part_0, record(8, R"("part":1,"rpm":1)")}), R"(object 0 of row 8 has "part" 1)"},
           {records({part_0, record(7, R"("rpm":1)")}), R"(object 1 of row 7 has no whole "part")"},
           {records({gap_in_records(7, 9, R"(,"part":0)")}), R"(gap record 7 has a "part")"}}) {
    const std::string& broken = wrong.first;
    const std::string& problem = wrong.second;
    CAPTURE(broken);
    StreamChecker checker;
    checker.take(broken, kReceived);
    CHECK(checker.report().broken == 1);
    CHECK(checker.report().rows == 0);
    CAPTURE(checker.first_problem());
    CHECK(checker.first_problem().find(problem) != std::string::npos);
  }
}

TEST_CASE("stream checker: status documents and foreign JSON are counted apart and harm nothing") {
  const StreamReport report =
      report_of({columns({row(1)}), R"({"schema":"outrider/status/1","rows":[{"x":1}]})",
                 R"({"hello":[1,{"rows":[]}]})", "[]", "[1,2]", "42", "\"text\"", R"([{"rpm":1}])",
                 R"({"schema":"outrider/telemetry/2","rows":[]})"});
  CHECK(report.is_fine());
  CHECK(report.messages == 1);
  CHECK(report.status_documents == 1);
  CHECK(report.other == 7);
}

TEST_CASE("stream checker: text that is no JSON, or not what the schema promises, is broken") {
  const std::string nested(100'000, '[');
  for (const std::string& broken :
       {std::string("{\"schema\":"), std::string(), std::string("\xff\xfe"), nested,
        columns({R"({"signals":{}})"}), columns({R"({"seq":0})"}), columns({R"({"seq":-1})"}),
        columns({R"({"seq":1.5})"}), columns({R"({"seq":18446744073709551615})"}),
        columns({R"({"seq":1,"time":"yesterday"})"}), columns({R"({"seq":3,"through":2,"lost_rows":{}})"}),
        columns({R"({"seq":3,"through":5})"}), columns({R"({"seq":3,"signals":{"a":{"t":[0,1],"v":[1]}}})"}),
        columns({row(1)}, ""), columns({row(1)}, "v", "")}) {
    CAPTURE(broken.substr(0, 120));
    StreamChecker checker;
    checker.take(columns({row(1)}), kReceived);
    checker.take(broken, kReceived);
    CHECK(checker.report().broken == 1);
    CHECK(checker.report().rows == 1);
    CHECK_FALSE(checker.report().is_fine());
    CHECK_FALSE(checker.first_problem().empty());
  }
}

TEST_CASE("stream checker: latency runs from the newest sample of a row to its arrival, repeats left out") {
  StreamChecker checker;
  checker.take(columns({row(1)}), kReceived);                // 10:00:00.600 → 10:00:02
  checker.take(columns({row(1)}), kReceived + seconds{60});  // a repeat
  const StreamReport report = checker.report();
  CHECK(report.latency_max_ms == doctest::Approx(1400));
  CHECK(report.latency_p50_ms == doctest::Approx(1400));
}

TEST_CASE("stream checker: the first problem names the row and its stream") {
  StreamChecker checker;
  checker.take(columns({row(1), row(4)}), kReceived);
  CHECK(checker.first_problem() ==
        "rows 2 to 3 of truck-17/telemetry epoch 7-5f3a91c2 never came and no gap record covers them");
  checker.take(columns({row(3)}), kReceived);
  CHECK(checker.first_problem() == "row 3 of truck-17/telemetry epoch 7-5f3a91c2 came after later ones");
}

TEST_CASE("stream checker: the report is one line of JSON") {
  const std::string text = report_of({columns({row(1), row(3)})}).json();
  const nlohmann::json read = nlohmann::json::parse(text);
  CHECK(text.find('\n') == std::string::npos);
  CHECK(read["rows"] == 2);
  CHECK(read["gaps"] == 1);
  CHECK(read["latency_ms"]["p50"] == 1400.0);
}

TEST_CASE("row memory: keeps at least a generation and at most two") {
  RowMemory memory(100);
  for (std::uint64_t key = 0; key < 1000; ++key) {
    memory.remember(key, key * 7);
    REQUIRE(memory.find(key) == key * 7);
    if (key >= 99) REQUIRE(memory.find(key - 99) == (key - 99) * 7);
    if (key >= 200) REQUIRE_FALSE(memory.find(key - 200));
  }
}

TEST_CASE("iso time: what outrider writes is read back, anything else is not") {
  const WallTime base = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + std::chrono::hours{10};
  CHECK(parse_iso_time("2026-11-22T10:00:00.500Z") == base + milliseconds{500});
  CHECK(parse_iso_time("2026-11-22T10:00:00Z") == base);
  CHECK(parse_iso_time("2026-11-22T10:00:00.000000001Z") == base + nanoseconds{1});
  for (const char* wrong :
       {"", "2026-11-22", "2026-11-22T10:00:00", "2026-11-22T10:00:00.Z", "2026-02-30T10:00:00Z",
        "2026-11-22T25:00:00Z", "2026-11-22 10:00:00Z", "2026-11-22T10:00:00.5+01:00", "0001-01-01T00:00:00Z",
        "2026-11-22T10:00:00.1234567890Z"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_iso_time(wrong));
  }
}
