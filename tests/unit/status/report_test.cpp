// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/status/status_report.h"

using namespace outrider;
using nlohmann::json;

namespace {

const Problem::Time kNow{std::chrono::hours(100)};

StatusReport busy() {
  StatusReport report;
  report.version = "0.1.0";
  report.agent = "outrider-truck-17";
  report.epoch = "7-5f3a91c2";
  report.vehicle_ids = {"truck-17"};
  report.uptime = seconds(7200);
  report.clock = {.quality = ClockQuality::kSynced,
                  .now = WallTime(seconds(1'795'341'600)),
                  .offset = seconds(1'795'341'000),
                  .boot_id = "boot"};
  report.input = {.frames = 720'000, .matched = 700'000, .silence = milliseconds(20)};
  report.link.mode = "offline";
  report.link.broker = "broker:1883";
  report.link.since = seconds(3600);
  report.link.last_error = "broker:1883: refused";
  report.link.last_error_age = seconds(12);
  report.link.next_attempt_in = milliseconds(3200);
  report.certificate = CertificateStatus{.subject = "CN=truck-17",
                                         .not_after = WallTime(seconds(1'803'117'600)),
                                         .days_left = 90,
                                         .sha256 = std::string(64, 'a')};
  report.backlog[0] = {.rows = 7200, .samples = 31'022, .bytes = 3U << 20U, .oldest_age = seconds(3600)};
  report.sampled_per_second = 120.04;
  report.delivered_per_second = 0;
  report.stored_bytes_per_second = 2048;
  report.autonomy = {Autonomy::State::kFilling, 31.5};
  report.drain = {Drain::State::kNever, 0};
  report.ledger = {.sampled = 100'000, .delivered = 68'966, .waiting = 31'022, .lost = 12};
  report.losses = {{"can0.overrun", 12}};
  report.store.used_bytes = 4U << 20U;
  report.store.limit_bytes = 256U << 20U;
  report.store.written_bytes = 120U << 20U;
  report.problems = {{.is_error = true,
                      .topic = "store",
                      .text = "the disk is full",
                      .count = 12,
                      .first = kNow - seconds(500),
                      .last = kNow - seconds(90)}};
  return report;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("report: the text says it all on one screen") {
  const std::string text = report_text(busy(), kNow);
  CAPTURE(text);
  CHECK(std::count(text.begin(), text.end(), '\n') <= 24);
  CHECK(has_line(text, "outrider 0.1.0, truck-17, up 2 h 0 min, epoch 7-5f3a91c2"));
  CHECK(has_line(text,
                 "link       offline, next is broker:1883, not connected for 1 h 0 min, next try in 3.2 s"));
  CHECK(has_line(text, "           last error 12 s ago: broker:1883: refused"));
  CHECK(
      has_line(text, "identity   CN=truck-17, certificate for 90 days more, until 2027-02-20T10:00:00.000Z"));
  CHECK(has_line(text, "           events: none"));
  CHECK(has_line(
      text, "autonomy   31 h 30 min without a broker at the present rate, then the oldest telemetry goes"));
  CHECK(has_line(text, "drain      the backlog is never gone at the present rate"));
  CHECK(has_line(text, "ledger     sampled 100 000 = delivered 68 966 + waiting 31 022 + lost 12"));
  CHECK(has_line(text, "lost       can0.overrun 12"));
  CHECK(has_line(text, "problems   1 min 30 s ago, error store: the disk is full (12 times)"));
}

TEST_CASE("report: a ledger that does not close, a short disk and dead letters catch the eye") {
  StatusReport report = busy();
  report.closes = false;
  report.store.is_disk_short = true;
  report.store.is_failing = true;
  report.store.last_error = "no space";
  report.store.dead_letters = 3;
  const std::string text = report_text(report, kNow);
  CHECK(text.find("sampled 100 000 IS NOT delivered") != std::string::npos);
  CHECK(text.find("WHICH IS SHORT, CANNOT BE WRITTEN: no space") != std::string::npos);
  CHECK(text.find("dead       3 letters") != std::string::npos);
}

TEST_CASE("report: a certificate that has expired catches the eye, one of an unset clock is not judged") {
  StatusReport report = busy();
  report.certificate->days_left = -1;
  CHECK(report_text(report, kNow).find("CN=truck-17, certificate EXPIRED at 2027") != std::string::npos);
  CHECK(json::parse(report_json(report, kNow))["certificate"]["days_left"] == -1);
  report.certificate->days_left.reset();
  CHECK(report_text(report, kNow).find("CN=truck-17, certificate until 2027") != std::string::npos);
  CHECK(json::parse(report_json(report, kNow))["certificate"]["days_left"].is_null());
  report.certificate.reset();
  CHECK(report_text(report, kNow).find("identity") == std::string::npos);
  CHECK(json::parse(report_json(report, kNow))["certificate"].is_null());
}

TEST_CASE("report: a fleet of simulated vehicles fits, too") {
  StatusReport report = busy();
  for (int i = 0; i < 999; ++i) report.vehicle_ids.push_back("v" + std::to_string(i));
  CHECK(report_text(report, kNow).find("truck-17, v0, v1, v2 and 996 more, up") != std::string::npos);
}

TEST_CASE("report: a forecast of thousands of years is text, too") {
  StatusReport report = busy();
  report.autonomy.hours = 1e12;
  report.drain = {Drain::State::kDraining, std::numeric_limits<double>::max()};
  CHECK(report_text(report, kNow).find("34722 d 5 h without a broker") != std::string::npos);
}

TEST_CASE("report: the JSON object has every member that the schema describes, and no other") {
  std::ifstream file(OUTRIDER_CONFIG_DIR "/schema/agent_status.schema.json", std::ios::binary);
  REQUIRE(file);
  const json schema = json::parse(file, nullptr, false);
  REQUIRE(schema.is_object());
  const json report = json::parse(report_json(busy(), kNow));
  const auto keys = [](const json& object) {
    std::set<std::string> names;
    for (const auto& [key, value] : object.items()) names.insert(key);
    return names;
  };
  CHECK(keys(report) == keys(schema["properties"]));
  for (const auto& [name, part] : schema["properties"].items()) {
    const std::string part_name = name;
    CAPTURE(part_name);
    if (!part.contains("properties")) continue;
    CHECK(keys(report[name]) == keys(part["properties"]));
    CHECK(part["required"].size() == part["properties"].size());
  }
  CHECK(schema["required"].size() == report.size());
}

TEST_CASE("report: figures of the JSON object") {
  const json report = json::parse(report_json(busy(), kNow));
  CHECK(report["schema"] == "outrider/agent_status/1");
  CHECK(report["time"] == "2026-11-22T10:00:00.000Z");
  CHECK(report["link"]["for_seconds"] == 3600);
  CHECK(report["link"]["next_attempt_in_seconds"] == 3.2);
  CHECK(report["rates"]["sampled_per_second"] == 120);
  CHECK(report["autonomy"]["hours_until_oldest_goes"] == 31.5);
  CHECK(report["drain"]["minutes"].is_null());
  CHECK(report["backlog"]["events"]["oldest_age_seconds"].is_null());
  CHECK(report["ledger"]["closes"] == true);
  CHECK(report["lost"]["can0.overrun"] == 12);
  CHECK(report["flash"]["bytes_per_day"] == 120.0 * (1U << 20U) * 12);
  CHECK(report["problems"][0]["last_seconds_ago"] == 90);
}
