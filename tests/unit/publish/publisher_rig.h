// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agent/publish/publisher.h"
#include "tests/support/memory_broker.h"
#include "tests/support/memory_file.h"
#include "tests/unit/publish/consumed.h"

namespace outrider {

/// A publisher over a private outbox and a broker that the test drives by hand.
struct PublisherRig {
  explicit PublisherRig(PublishConfig with = {}, std::uint64_t max_in_flight_bytes = 1 << 20,
                        std::uint64_t max_bytes = 256 << 20)
      : config(std::move(with)) {
    config.client_id = "agent";
    if (config.brokers.empty()) config.brokers = {{.host = "first"}, {.host = "second"}};
    auto opened = Outbox::open({.path = "", .max_bytes = max_bytes, .random = 1}, epoch_file);
    REQUIRE(opened);
    outbox = std::move(*opened);
    telemetry = *outbox->stream("v1", Channel::kTelemetry);
    events = *outbox->stream("v1", Channel::kEvents);
    other = *outbox->stream("v2", Channel::kTelemetry);
    publisher = std::make_unique<Publisher>(
        PublisherOptions{
            .config = config, .password = "secret", .max_in_flight_bytes = max_in_flight_bytes, .seed = 42},
        *outbox, broker);
  }

  void store(StreamIndex stream, int rows, std::size_t bytes = 20) {
    for (int i = 0; i < rows; ++i) {
      Row row{.samples = 1, .boot = outbox->boot("b"), .payload = "\"signals\":{}" + std::string(bytes, ' ')};
      if (stream == events) row.format = RowFormat::kEventJson;
      REQUIRE(outbox->append(stream, std::move(row)));
    }
    REQUIRE(outbox->commit());
  }
  /// One row that can be told from the others in a message.
  void store_marked(StreamIndex stream, const std::string& mark) {
    Row row{.samples = 1,
            .boot = outbox->boot("b"),
            .payload = "\"signals\":{\"" + mark + R"(":{"t":[0],"v":[1]}})"};
    if (stream == events) row.format = RowFormat::kEventJson;
    REQUIRE(outbox->append(stream, std::move(row)));
    REQUIRE(outbox->commit());
  }
  /// Turns of 50 ms, or of a second where hours go by; what was acknowledged leaves the store every ten.
  void run(nanoseconds length) {
    const nanoseconds step = length > seconds(30) ? milliseconds(1000) : milliseconds(50);
    for (const BootTime until = now + length; now < until;) {
      turn(step);
      if (++turns % 10 == 0) REQUIRE(outbox->commit());
    }
  }
  /// Until nothing waits, and no longer than `longest`.
  bool drain(nanoseconds longest) {
    const BootTime until = now + longest;
    for (int i = 0; waiting() > 0 && now < until; ++i) run(i < 100 ? milliseconds(500) : seconds(31));
    return waiting() == 0;
  }
  std::uint64_t waiting() const {
    std::uint64_t rows = 0;
    for (const StreamIndex stream : {telemetry, events, other}) rows += outbox->backlog(stream).rows;
    return rows;
  }
  void turn(nanoseconds later = milliseconds(50)) {
    now += later;
    publisher->advance(now);
  }
  void connect() {
    turn();
    broker.accept();
    turn();
  }
  /// Per message from number `from` on: topic's last part and vehicle, then its numbers: "v1/telemetry 1,2".
  std::vector<std::string> sent(std::size_t from = 0) const {
    std::vector<std::string> texts;
    for (std::size_t i = from; i < broker.published.size(); ++i) {
      std::string text = broker.published[i].topic.substr(std::string("outrider/").size()) + " ";
      const auto message = nlohmann::json::parse(broker.published[i].payload);
      for (const auto& row : message["rows"]) text += std::to_string(row["seq"].get<int>()) + ",";
      text.pop_back();
      texts.push_back(text);
    }
    return texts;
  }

  Consumed consumed(const std::string& stream) const {
    Consumed all;
    for (const auto& record : broker.accepted) {
      if (record.topic != "outrider/" + stream) continue;
      const auto message = nlohmann::json::parse(record.payload);
      for (const auto& row : message["rows"]) all.take(row);
    }
    return all;
  }
  /// Every number arrived or is covered by a gap record, never both, and the samples add up.
  void check_complete(StreamIndex stream) const {
    const Outbox::StreamName& name = outbox->streams()[stream];
    const Consumed all = consumed(name.vehicle_id + "/" + name_of(name.channel));
    for (Sequence number = 1; number <= outbox->backlog(stream).newest; ++number)
      CHECK_MESSAGE(all.rows.count(number) + all.lost.count(number) == 1, name.vehicle_id, " ", number);
    const Ledger ledger = outbox->ledger(stream);
    CHECK(ledger.waiting == 0);
    CHECK(ledger.sampled == ledger.delivered + ledger.lost);
    CHECK(ledger.lost == all.lost.size());
    CHECK(ledger.delivered == all.rows.size());
  }

  PublishConfig config;
  MemoryFile epoch_file;
  MemoryBroker broker;
  std::unique_ptr<Outbox> outbox;
  std::unique_ptr<Publisher> publisher;
  StreamIndex telemetry = 0;
  StreamIndex events = 0;
  StreamIndex other = 0;
  BootTime now{seconds(100)};
  int turns = 0;
};

}  // namespace outrider
