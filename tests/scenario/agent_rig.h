// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_broker.h"
#include "tests/support/memory_file.h"
#include "tests/support/scripted_can.h"

namespace outrider {

inline constexpr const char* kDbc = R"(VERSION ""
BO_ 256 Engine: 8 ECU
 SG_ Speed : 0|16@1+ (0.1,0) [0|0] "km/h" ECU
 SG_ Temp : 16|8@1- (1,0) [0|0] "degC" ECU
)";

/// What a consumer that drops repeats by key sees of one stream.
struct Seen {
  std::vector<std::int64_t> numbers;
  std::map<std::int64_t, std::string> contents;
  std::uint64_t repeats = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t samples = 0;
  std::map<std::string, std::uint64_t> lost;
  std::vector<std::string> clocks;
  std::vector<std::string> times;

  void take(const nlohmann::json& row) {
    const auto seq = row["seq"].get<std::int64_t>();
    const auto [known, is_new] = contents.emplace(seq, row.dump());
    if (!is_new) {
      ++repeats;
      if (known->second != row.dump()) ++conflicts;
      return;
    }
    for (std::int64_t number = seq; number <= row.value("through", seq); ++number) numbers.push_back(number);
    if (row.contains("lost_rows"))
      lost[row["lost_rows"]["cause"]] += row["lost_rows"]["samples"].get<std::uint64_t>();
    if (row.contains("clock")) clocks.push_back(row["clock"]);
    if (row.contains("time")) times.push_back(row["time"]);
    const nlohmann::json signals = row.value("signals", nlohmann::json::object());
    for (const nlohmann::json& signal : signals) samples += signal["v"].size();
    const nlohmann::json causes = row.value("lost", nlohmann::json::object());
    for (const auto& [cause, count] : causes.items()) lost[cause] += count.get<std::uint64_t>();
  }
};

/// The whole agent on fakes and a manual clock.
struct Rig {
  explicit Rig(Config with = {}, std::vector<std::string> ids = {"v1"}) : config(std::move(with)) {
    config.vehicle_id = "v1";
    if (config.buses.empty()) config.buses = {{.name = "can0", .dbc = {}}};
    if (config.signals.empty()) config.signals = {SignalRule{.min_interval = milliseconds(0)}};
    config.publish.client_id = "agent";
    if (config.publish.brokers.empty()) config.publish.brokers = {{.host = "broker"}};
    auto dbc = parse_dbc(kDbc, "test.dbc");
    REQUIRE(dbc);
    files.assign(config.buses.size(), {std::make_shared<const Dbc>(std::move(*dbc))});
    vehicle_ids = std::move(ids);
    broker.is_automatic = true;
    start();
  }

  void start(std::uint64_t max_bytes = 256 << 20) {
    if (!outbox) {
      auto opened = Outbox::open(
          {.path = "", .max_bytes = max_bytes, .max_staged_bytes = 64 << 10, .random = 1}, epoch_file);
      REQUIRE(opened);
      outbox = std::move(*opened);
    }
    auto made = Agent::make(
        config, vehicle_ids, files, "",
        {.clock = clock, .can = can, .inbox = inbox, .outbox = *outbox, .broker = broker, .told = &told_file},
        7);
    REQUIRE(made);
    agent = std::move(*made);
  }

  void frame(int raw_speed, int temp = 20, std::uint16_t bus = 0) {
    CanFrame frame{.time = clock.now(), .id = 256, .length = 8, .bus = bus};
    frame.data[0] = static_cast<std::uint8_t>(raw_speed);
    frame.data[1] = static_cast<std::uint8_t>(raw_speed >> 8);
    frame.data[2] = static_cast<std::uint8_t>(temp);
    inbox.push(frame);
  }
  void turn(nanoseconds later = milliseconds(50)) {
    clock.advance(later);
    REQUIRE(agent->turn());
  }
  /// Drives for a time: a frame every 100 ms, a turn every 50 ms.
  void drive(seconds length) {
    for (int i = 0; i < length.count() * 10; ++i) {
      frame(++speed % 2000);
      ++sent;
      turn();
      turn();
    }
  }
  void settle() {
    REQUIRE(agent->finish());
    for (int i = 0; i < 10'000 && !agent->is_drained(); ++i) turn();
    CHECK(agent->is_drained());
  }

  Seen seen(const std::string& topic = "outrider/v1/telemetry") const {
    Seen all;
    for (const auto& message : broker.published) {
      if (message.topic != topic) continue;
      const nlohmann::json document = nlohmann::json::parse(message.payload);
      for (const nlohmann::json& row : document["rows"]) all.take(row);
    }
    return all;
  }
  void check_order_and_completeness(const Seen& all) const {
    for (std::size_t i = 0; i < all.numbers.size(); ++i)
      REQUIRE(all.numbers[i] == static_cast<std::int64_t>(i) + 1);
    CHECK(all.conflicts == 0);
  }
  Ledger ledger() const { return outbox->ledger(agent->lanes().front().streams().telemetry); }

  Config config;
  std::vector<std::string> vehicle_ids;
  BusFiles files;
  ManualClock clock;
  ScriptedCan can;
  Inbox<CanFrame> inbox{1000};
  MemoryFile epoch_file;
  MemoryFile told_file;
  MemoryBroker broker;
  std::unique_ptr<Outbox> outbox;
  std::unique_ptr<Agent> agent;
  int speed = 0;
  std::uint64_t sent = 0;
};

}  // namespace outrider
