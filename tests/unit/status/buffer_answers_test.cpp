// SPDX-License-Identifier: Apache-2.0
#include "agent/status/buffer_answers.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/memory_file.h"

using namespace outrider;
using nlohmann::json;
using Kind = LocalRequest::Kind;

namespace {

struct Shelf {
  explicit Shelf(std::uint64_t max_staged_bytes = 1U << 20U) {
    auto opened = Outbox::open({.path = "", .max_staged_bytes = max_staged_bytes, .random = 1}, epoch_file);
    REQUIRE(opened);
    outbox = std::move(*opened);
  }
  StreamIndex stream(const char* vehicle, Channel channel = Channel::kTelemetry) {
    return *outbox->stream(vehicle, channel);
  }
  /// Committed rows whose content is their number.
  void store(StreamIndex index, int rows, std::size_t padding = 0) {
    for (int i = 0; i < rows; ++i) {
      const std::string payload =
          R"("signals":{"n":{"t":[0],"v":[)" + std::to_string(++stored) + "]}}" + std::string(padding, ' ');
      REQUIRE(outbox->append(index, {.samples = 1, .payload = payload}));
      if (outbox->staged_rows() >= 20) REQUIRE(outbox->commit());
    }
    REQUIRE(outbox->commit());
  }
  /// All pages of an answer; every page is bounded.
  std::vector<json> ask(const LocalRequest& request, std::size_t most_page = kAnswerBytes + (64U << 10U)) {
    std::vector<json> lines;
    for (std::string next = request_text(request); !next.empty();) {
      const std::string page = answer_buffer_request(*parse_request(next), *outbox, Layout::kColumns);
      CHECK(page.size() <= most_page);
      ++pages;
      const Result<LocalAnswer> answer = parse_answer(page);
      REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().text));
      for (const std::string& line : answer->lines) lines.push_back(json::parse(line));
      next = answer->next;
    }
    return lines;
  }
  std::string refusal(const LocalRequest& request) {
    const auto answer = parse_answer(answer_buffer_request(request, *outbox, Layout::kColumns));
    return answer ? "none" : answer.error().text;
  }

  MemoryFile epoch_file;
  std::unique_ptr<Outbox> outbox;
  int stored = 0;
  int pages = 0;
};

}  // namespace

TEST_CASE("buffer answers: every stream has a line with its ledger") {
  Shelf shelf;
  const StreamIndex truck = shelf.stream("truck");
  shelf.stream("truck", Channel::kEvents);
  shelf.store(truck, 3);
  shelf.outbox->acknowledge(truck, 1);
  const std::vector<json> streams = shelf.ask({.kind = Kind::kStreams});
  REQUIRE(streams.size() == 2);
  CHECK(streams[0]["vehicle_id"] == "truck");
  CHECK(streams[0]["channel"] == "telemetry");
  CHECK(streams[0]["rows"] == 2);
  CHECK(streams[0]["oldest"] == 2);
  CHECK(streams[0]["delivered"] == 1);
  CHECK(streams[0]["waiting"] == 2);
  CHECK(streams[1]["channel"] == "events");
}

TEST_CASE(
    "buffer answers: all rows that wait come once each, in order, in the published form, page by page") {
  Shelf shelf;
  const StreamIndex truck = shelf.stream("truck");
  const StreamIndex van = shelf.stream("van");
  shelf.store(truck, 300, 2000);
  shelf.store(van, 200, 2000);
  shelf.outbox->acknowledge(truck, 10);
  const std::vector<json> rows = shelf.ask({.kind = Kind::kRows});
  CHECK(shelf.pages >= 4);
  REQUIRE(rows.size() == 490);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool is_truck = i < 290;
    CHECK(rows[i]["schema"] == "outrider/telemetry/1");
    CHECK(rows[i]["vehicle_id"] == (is_truck ? "truck" : "van"));
    CHECK(rows[i]["rows"].size() == 1);
    CHECK(rows[i]["rows"][0]["seq"] == (is_truck ? i + 11 : i - 289));
    CHECK(rows[i]["rows"][0]["signals"]["n"]["v"][0] == i + 11);
  }
}

TEST_CASE(
    "buffer answers: dead letters are listed with their reason and exported, and a gap record is a row that "
    "waits") {
  Shelf shelf;
  const StreamIndex truck = shelf.stream("truck");
  shelf.store(truck, 3);
  REQUIRE(shelf.outbox->bury(truck, 2, "not authorized"));
  const std::vector<json> letters = shelf.ask({.kind = Kind::kLetters});
  REQUIRE(letters.size() == 1);
  CHECK(letters[0]["vehicle_id"] == "truck");
  CHECK(letters[0]["seq"] == 2);
  CHECK(letters[0]["epoch"] == shelf.outbox->epoch());
  CHECK(letters[0]["samples"] == 1);
  CHECK(letters[0]["reason"] == "not authorized");
  const std::vector<json> dead = shelf.ask({.kind = Kind::kDead});
  REQUIRE(dead.size() == 1);
  CHECK(dead[0]["rows"][0]["signals"]["n"]["v"][0] == 2);
  const std::vector<json> rows = shelf.ask({.kind = Kind::kRows});
  REQUIRE(rows.size() == 3);
  CHECK(rows[1]["rows"][0]["lost_rows"]["cause"] == "refused");
}

TEST_CASE("buffer answers: many dead letters come once each, page by page") {
  Shelf shelf;
  const StreamIndex truck = shelf.stream("truck");
  shelf.store(truck, 60, 20'000);
  for (int i = 1; i <= 50; ++i) REQUIRE(shelf.outbox->bury(truck, i, "x"));
  std::set<int> seen;
  const std::vector<json> dead = shelf.ask({.kind = Kind::kDead}, 2 * kAnswerBytes);
  for (const json& line : dead) seen.insert(line["rows"][0]["seq"].get<int>());
  CHECK(shelf.pages > 1);
  CHECK(dead.size() == seen.size());
  CHECK(seen.size() == shelf.outbox->health().dead_letters);
}

TEST_CASE(
    "buffer answers: requeued letters wait again under new numbers, durably, more than may be staged at "
    "once") {
  Shelf shelf(64U << 10U);
  const StreamIndex truck = shelf.stream("truck");
  for (int i = 0; i < 10; ++i) shelf.store(truck, 1, 20'000);
  for (int i = 1; i <= 10; ++i) REQUIRE(shelf.outbox->bury(truck, i, "x"));
  std::vector<std::int64_t> ids;
  for (const json& letter : shelf.ask({.kind = Kind::kLetters}))
    ids.push_back(letter["id"].get<std::int64_t>());
  REQUIRE(ids.size() == 10);
  const std::vector<json> done = shelf.ask({.kind = Kind::kRequeue, .ids = ids});
  REQUIRE(done.size() == 1);
  CHECK(done[0]["requeued"] == 10);
  CHECK(shelf.outbox->staged_rows() == 0);
  CHECK(shelf.outbox->health().dead_letters == 0);
  CHECK(shelf.outbox->backlog(truck).newest == 20);
  const Ledger ledger = shelf.outbox->ledger(truck);
  CHECK(ledger.sampled == ledger.delivered + ledger.waiting + ledger.lost);
}

TEST_CASE(
    "buffer answers: a letter that is not there gets a sentence, and so does a question for the agent") {
  Shelf shelf;
  CHECK(shelf.refusal({.kind = Kind::kRequeue, .ids = {7}}).find("there is no dead letter 7") !=
        std::string::npos);
  CHECK(shelf.refusal({.kind = Kind::kStatus}).find("no agent is running") != std::string::npos);
  CHECK(shelf.ask({.kind = Kind::kRows, .from = 5, .stream = 17}).empty());
  CHECK(shelf.ask({.kind = Kind::kStreams, .from = 17}).empty());
}

TEST_CASE("buffer answers: what a dead letter reported of losses is not reported again when it comes back") {
  Shelf shelf;
  const StreamIndex stream = shelf.stream("truck");
  REQUIRE(shelf.outbox->append(
      stream, {.samples = 2, .payload = R"("signals":{"n":{"t":[0,1],"v":[1,2]}},"lost":{"x":7})"},
      {{"x", 7}}));
  REQUIRE(shelf.outbox->commit());
  REQUIRE(shelf.outbox->bury(stream, 1, "too large"));
  const std::int64_t id = shelf.outbox->dead_letters(0, 1)->front().id;
  const std::vector<json> gap = shelf.ask({.kind = Kind::kRows});
  REQUIRE(gap.size() == 1);
  CHECK(gap[0]["rows"][0]["lost_rows"]["samples"] == 9);
  REQUIRE(shelf.ask({.kind = Kind::kRequeue, .ids = {id}}).size() == 1);
  const std::vector<json> rows = shelf.ask({.kind = Kind::kRows});
  REQUIRE(rows.size() == 2);
  CHECK_FALSE(rows[1]["rows"][0].contains("lost"));
  CHECK(rows[1]["rows"][0]["signals"]["n"]["v"] == json({1, 2}));
  // What arrives is what the ledger says: 9 lost, and the 2 samples that count again.
  const Ledger ledger = shelf.outbox->ledger(stream);
  CHECK(ledger.lost == 9);
  CHECK(ledger.waiting == 2);
  CHECK(ledger.sampled == 11);
}
