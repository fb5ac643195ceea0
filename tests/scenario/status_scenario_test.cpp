// SPDX-License-Identifier: Apache-2.0
// The whole agent on fakes and a manual clock, asked what it is doing while it does it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "agent/agent.h"
#include "agent/status/local_request.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_broker.h"
#include "tests/support/memory_file.h"
#include "tests/support/memory_requests.h"
#include "tests/support/scripted_can.h"

using namespace outrider;
using nlohmann::json;

namespace {

constexpr const char* kDbc = R"(VERSION ""
BO_ 256 Engine: 8 ECU
 SG_ Speed : 0|16@1+ (0.1,0) [0|0] "km/h" ECU
)";

struct AskedAgent {
  explicit AskedAgent(std::uint64_t max_bytes = 256 << 20) {
    config.vehicle_id = "v1";
    config.buses = {{.name = "can0", .dbc = {}}};
    config.signals = {SignalRule{.min_interval = milliseconds(0)}};
    config.publish.client_id = "agent";
    config.publish.brokers = {{.host = "broker"}};
    auto dbc = parse_dbc(kDbc, "test.dbc");
    REQUIRE(dbc);
    broker.is_automatic = true;
    auto opened = Outbox::open({.path = "", .max_bytes = max_bytes, .random = 1}, epoch_file);
    REQUIRE(opened);
    outbox = std::move(*opened);
    auto made = Agent::make(config, {"v1"}, {{std::make_shared<const Dbc>(std::move(*dbc))}}, "",
                            {.clock = clock,
                             .can = can,
                             .inbox = inbox,
                             .outbox = *outbox,
                             .broker = broker,
                             .requests = &requests},
                            7);
    REQUIRE(made);
    agent = std::move(*made);
  }

  void turn() {
    clock.advance(milliseconds(50));
    REQUIRE(agent->turn());
  }
  /// Drives for a time: a frame every 100 ms, a turn every 50 ms.
  void drive(seconds length) {
    for (int i = 0; i < length.count() * 10; ++i) {
      CanFrame frame{.time = clock.now(), .id = 256, .length = 8};
      frame.data[0] = static_cast<std::uint8_t>(++speed);
      inbox.push(frame);
      turn();
      turn();
    }
  }
  std::vector<std::string> ask(const LocalRequest& request) {
    const std::uint64_t id = requests.ask(request_text(request));
    turn();
    const Result<LocalAnswer> answer = parse_answer(requests.answer(id));
    REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().text));
    return answer->lines;
  }
  json status() {
    const std::vector<std::string> lines = ask({.kind = LocalRequest::Kind::kStatus});
    REQUIRE(lines.size() == 1);
    json status = json::parse(lines.front());
    const json& ledger = status["ledger"];
    CHECK(ledger["closes"] == true);
    CHECK(ledger["sampled"] ==
          ledger["delivered"].get<int>() + ledger["waiting"].get<int>() + ledger["lost"].get<int>());
    int lost = 0;
    for (const json& count : status["lost"]) lost += count.get<int>();
    CHECK(lost == ledger["lost"].get<int>());
    return status;
  }
  std::string complaint(seconds within) {
    const json health = json::parse(ask({.kind = LocalRequest::Kind::kHealth, .within = within}).at(0));
    return health["healthy"].get<bool>() ? "" : health["why"].get<std::string>();
  }

  Config config;
  ManualClock clock;
  ScriptedCan can;
  Inbox<CanFrame> inbox{1000};
  MemoryFile epoch_file;
  MemoryBroker broker;
  MemoryRequests requests;
  std::unique_ptr<Outbox> outbox;
  std::unique_ptr<Agent> agent;
  int speed = 0;
};

}  // namespace

TEST_CASE("status: a drive with a live link has figures for everything, and nothing waits") {
  AskedAgent asked;
  asked.drive(seconds(120));
  const json status = asked.status();
  CHECK(status["vehicle_ids"] == json({"v1"}));
  CHECK(status["uptime_seconds"].get<double>() == doctest::Approx(120).epsilon(0.01));
  CHECK(status["link"]["mode"] == "live");
  CHECK(status["link"]["connects"] == 1);
  CHECK(status["rates"]["sampled_per_second"].get<double>() == doctest::Approx(10).epsilon(0.1));
  CHECK(status["rates"]["delivered_per_second"].get<double>() == doctest::Approx(10).epsilon(0.1));
  CHECK(status["drain"]["state"] == "nothing waits");
  CHECK(status["autonomy"]["state"] == "filling");
  CHECK(status["autonomy"]["hours_until_oldest_goes"] > 1);
  CHECK(status["clock"]["quality"] == "synced");
  CHECK(status["time"].get<std::string>().rfind("2026-11-22T10:02:00", 0) == 0);
  CHECK(status["input"]["matched"] == 1200);
}

TEST_CASE("status: through an outage and back, the ledger closes and the forecasts turn around") {
  AskedAgent asked;
  asked.drive(seconds(60));
  asked.broker.is_automatic = false;
  asked.broker.drop("tunnel");
  asked.drive(seconds(1800));
  json status = asked.status();
  CHECK(status["link"]["mode"] != "live");
  CHECK(status["link"]["for_seconds"].get<double>() == doctest::Approx(1800).epsilon(0.01));
  CHECK(status["link"]["last_error"] == "broker:1883: tunnel");
  CHECK(status["backlog"]["telemetry"]["samples"] > 17'000);
  CHECK(status["backlog"]["telemetry"]["oldest_age_seconds"].get<double>() ==
        doctest::Approx(1800).epsilon(0.01));
  CHECK(status["drain"]["state"] == "never at this rate");
  CHECK(asked.complaint(seconds(3600)).empty());
  CHECK(asked.complaint(seconds(600)).find("no connection to a broker for 30 min") == 0);

  asked.broker.is_automatic = true;
  asked.drive(seconds(200));
  status = asked.status();
  CHECK(status["link"]["mode"] == "live");
  CHECK(status["drain"]["state"] == "nothing waits");
  CHECK(asked.complaint(seconds(10)).empty());
}

TEST_CASE("status: the ledger closes while the oldest rows make room, and says how many went") {
  AskedAgent asked(1 << 20);
  asked.broker.is_automatic = false;
  json status;
  for (int i = 0; i < 60 && (status.is_null() || status["ledger"]["lost"] < 1000); ++i) {
    asked.drive(seconds(120));
    status = asked.status();
  }
  CHECK(status["ledger"]["lost"] >= 1000);
  CHECK(status["autonomy"]["hours_until_oldest_goes"] < 1);  // until the next ones go
  CHECK(status["disk"]["used_bytes"] <= status["disk"]["limit_bytes"]);
}

TEST_CASE("status: losses that are in no row yet are in the ledger, too") {
  AskedAgent asked;
  asked.drive(seconds(2));
  asked.can.set_overruns(0, 12);
  const json status = asked.status();
  CHECK(status["lost"]["can0.overrun"] == 12);
}

TEST_CASE("status: an answer comes with the turn in which it was asked, whatever was asked") {
  AskedAgent asked;
  const std::uint64_t nonsense = asked.requests.ask("how are you?");
  const std::uint64_t text = asked.requests.ask(R"({"ask":"text"})");
  asked.turn();
  CHECK(asked.requests.answer(nonsense).find("the request is not understood") != std::string::npos);
  CHECK(asked.requests.answer(text).find("outrider ") != std::string::npos);
}

TEST_CASE("status: dead letters are requeued while the agent runs, and arrive") {
  AskedAgent asked;
  asked.drive(seconds(2));
  asked.broker.is_automatic = false;
  asked.broker.drop("tunnel");
  asked.drive(seconds(2));
  const Backlog backlog = asked.outbox->backlog(0);
  REQUIRE(asked.outbox->bury(0, backlog.newest, "not authorized"));
  const json letter = json::parse(asked.ask({.kind = LocalRequest::Kind::kLetters}).at(0));
  CHECK(letter["reason"] == "not authorized");
  CHECK(asked.status()["dead_letters"] == 1);
  asked.ask({.kind = LocalRequest::Kind::kRequeue, .ids = {letter["id"].get<std::int64_t>()}});
  asked.broker.is_automatic = true;
  asked.drive(seconds(5));
  const json status = asked.status();
  CHECK(status["dead_letters"] == 0);
  CHECK(status["drain"]["state"] == "nothing waits");
}
