// SPDX-License-Identifier: Apache-2.0
#include "agent/status/local_request.h"

#include <doctest/doctest.h>

using namespace outrider;
using Kind = LocalRequest::Kind;

TEST_CASE("local request: what is written is what is read") {
  for (const LocalRequest& request :
       {LocalRequest{}, LocalRequest{.kind = Kind::kText},
        LocalRequest{.kind = Kind::kHealth, .within = seconds(600)},
        LocalRequest{.kind = Kind::kRows, .from = 1'000'000'000'000, .stream = 65535},
        LocalRequest{.kind = Kind::kStreams, .from = 3}, LocalRequest{.kind = Kind::kLetters, .from = 17},
        LocalRequest{.kind = Kind::kDead},
        LocalRequest{.kind = Kind::kRequeue, .ids = {1, 2, 9'000'000'000}}}) {
    const std::string line = request_text(request);
    CAPTURE(line);
    const Result<LocalRequest> read = parse_request(line);
    REQUIRE(read);
    CHECK(read->kind == request.kind);
    CHECK(read->from == request.from);
    CHECK(read->stream == request.stream);
    CHECK(read->within == request.within);
    CHECK(read->ids == request.ids);
  }
}

TEST_CASE("local request: whatever else comes in gets a sentence") {
  for (const char* line : {"",
                           "status",
                           "{}",
                           "[]",
                           "null",
                           "{\"ask\":1}",
                           "{\"ask\":\"everything\"}",
                           "{\"ask\":\"status\"",
                           "{\"ask\":\"status\"} {}",
                           "{\"ask\":\"rows\",\"from\":-1}",
                           "{\"ask\":\"rows\",\"from\":\"1\"}",
                           "{\"ask\":\"rows\",\"from\":1.5}",
                           "{\"ask\":\"rows\",\"from\":18446744073709551615}",
                           "{\"ask\":\"rows\",\"stream\":65536}",
                           "{\"ask\":\"requeue\",\"ids\":[]}",
                           "{\"ask\":\"requeue\",\"ids\":[1,\"2\"]}",
                           "{\"ask\":\"requeue\",\"ids\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}",
                           "{\"ask\":\"health\",\"within_ms\":1e300}",
                           "{\"ask\":\"status\",\"form\":\"text\"}",
                           "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}) {
    CAPTURE(std::string(line));
    const Result<LocalRequest> read = parse_request(line);
    REQUIRE_FALSE(read);
    CHECK(read.error().fault == Fault::kReject);
    CHECK(read.error().text.find("is not understood") != std::string::npos);
  }
}

TEST_CASE("local answer: lines, and whether there is more") {
  const Result<LocalAnswer> whole = parse_answer("{\"a\":1}\n[2]\n" + end_line());
  REQUIRE(whole);
  CHECK(whole->lines == std::vector<std::string>{"{\"a\":1}", "[2]"});
  CHECK(whole->next.empty());

  const LocalRequest next{.kind = Kind::kRows, .from = 7, .stream = 2};
  const Result<LocalAnswer> part = parse_answer("x\n" + next_line(next));
  REQUIRE(part);
  CHECK(part->lines.size() == 1);
  CHECK(part->next == request_text(next));

  const Result<LocalAnswer> nothing = parse_answer(end_line());
  REQUIRE(nothing);
  CHECK(nothing->lines.empty());
}

TEST_CASE("local answer: an error is the agent's sentence, and an answer that was cut off is none") {
  const Result<LocalAnswer> error = parse_answer("{\"a\":1}\n" + error_line("the \"disk\" is full"));
  REQUIRE_FALSE(error);
  CHECK(error.error().text == "the \"disk\" is full");
  const std::string whole = "{\"a\":1}\n" + end_line();
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK_FALSE(parse_answer(whole.substr(0, length)));
}
