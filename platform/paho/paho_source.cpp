// SPDX-License-Identifier: Apache-2.0
#include "platform/paho/paho_source.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "platform/linux/link.h"
#include "platform/paho/mailbox.h"
#include "platform/paho/paho_subscription.h"

namespace outrider {

namespace {

using Steady = std::chrono::steady_clock;
using Stage = PahoSubscription::Stage;

constexpr std::size_t kFullBytes = std::size_t{64} << 20U;
constexpr milliseconds kFirstPause{100};  // doubled with each failure
constexpr milliseconds kLongestPause{1'000};
constexpr seconds kAnswerTimeout{10};  // for CONNACK and SUBACK together
constexpr seconds kGrace{1};           // the link gives an attempt up first: it knows why
constexpr milliseconds kGoodbyeTimeout{2'000};

/// 21 characters: MQTT 3.1.1 brokers need not accept more than 23.
std::string random_client_id() {
  std::random_device random;
  std::array<char, 13> digits{};
  std::snprintf(digits.data(), digits.size(), "%06x%06x", random() & 0xFFFFFFU, random() & 0xFFFFFFU);
  return std::string("outrider-") + digits.data();
}

milliseconds pause_after(int failures) {
  return std::min(kLongestPause, kFirstPause * (1 << std::min(failures - 1, 4)));
}

}  // namespace

struct PahoSource::State {
  State(SubscribeRequest wanted, std::unique_ptr<SecureClient> client)
      : request(std::move(wanted)), is_id_random(request.client_id.empty()), secure(std::move(client)) {
    if (is_id_random) request.client_id = random_client_id();
  }

  void advance();
  void attempt();
  Status open(bool is_clean);
  void fail(const std::string& text);
  Steady::time_point wake_at() const { return connection ? answer_deadline : next_attempt; }
  bool is_subscribed() const { return connection && connection->stage() == Stage::kSubscribed; }
  void leave();
  void say_goodbye();

  SubscribeRequest request;
  const bool is_id_random;
  const std::unique_ptr<SecureClient> secure;
  Link link;
  Mailbox mailbox{kFullBytes, [this](bool is_open) { link.set_passing(is_open); }};
  std::unique_ptr<PahoSubscription> connection;  // after what its threads use
  Steady::time_point next_attempt = Steady::now();
  Steady::time_point answer_deadline;
  int failures = 0;     // in a row
  std::string trouble;  // why there is no subscription; empty before the first failure
  std::optional<Error> fatal;
};

void PahoSource::State::attempt() {
  answer_deadline = Steady::now() + kAnswerTimeout + kGrace;
  if (const Status opened = open(request.session_expiry == seconds{0}); !opened) fail(opened.error().text);
}

Status PahoSource::State::open(bool is_clean) {
  LinkRequest way;
  way.address = request.address;
  way.timeout = kAnswerTimeout;
  std::unique_ptr<SecureChannel> channel;
  if (request.address.is_secure) {
    auto opened = secure->open(request.address, request.tls);
    if (!opened) return opened.error();
    channel = std::move(*opened);
  }
  const Result<std::uint16_t> port = link.open(way, std::move(channel));
  if (!port) return port.error();
  try {
    connection = std::make_unique<PahoSubscription>(request, is_clean, *port, mailbox);
  } catch (const mqtt::exception& problem) {
    return retry(problem.what());
  }
  return ok();
}

void PahoSource::State::fail(const std::string& text) {
  const std::string reason = text.empty() ? link.failure() : text;
  connection.reset();
  ++failures;
  next_attempt = Steady::now() + pause_after(failures);
  trouble = "the broker " + request.address.text() + " is away" + (reason.empty() ? "" : " (" + reason + ")");
}

void PahoSource::State::advance() {
  if (!connection) {
    if (Steady::now() >= next_attempt) attempt();
    return;
  }
  switch (connection->stage()) {
    case Stage::kConnected:
      try {
        connection->subscribe();
      } catch (const mqtt::exception& problem) {
        fail(problem.what());
      }
      break;
    case Stage::kSubscribed:
      answer_deadline = Steady::time_point::max();
      failures = 0;
      trouble.clear();
      break;
    case Stage::kFailed:
      fail(connection->text());
      break;
    case Stage::kRefused:
      fatal = stop("the broker " + request.address.text() + " does not allow to subscribe to \"" +
                   request.topic_filter + "\": " + connection->text());
      break;
    case Stage::kConnecting:
    case Stage::kSubscribing:
      if (Steady::now() >= answer_deadline) fail("no answer");
      break;
  }
}

/// A session of a random client id would wait for nobody: it ends with one more visit that is clean. (MQTT 5 could
/// say so in its DISCONNECT, but Paho C++ 1.2.0 does not send that packet's properties.)
void PahoSource::State::leave() {
  mailbox.discard();
  if (!is_subscribed()) return;
  say_goodbye();
  if (!is_id_random || request.session_expiry == seconds{0} || !open(true)) return;
  const Steady::time_point deadline = Steady::now() + kGoodbyeTimeout;
  std::vector<ReceivedMessage> ignored;
  while (connection->stage() == Stage::kConnecting && Steady::now() < deadline)
    mailbox.take(ignored, deadline - Steady::now());
  say_goodbye();
}

void PahoSource::State::say_goodbye() {
  try {
    connection->disconnect();
  } catch (const mqtt::exception&) {
    // The broker is gone: nothing is left to tidy up there that we could reach.
  }
  connection.reset();
  link.wait_released(kGoodbyeTimeout);
}

PahoSource::PahoSource(SubscribeRequest request, std::unique_ptr<SecureClient> secure)
    : state_(std::make_unique<State>(std::move(request), std::move(secure))) {
  if (state_->request.address.is_secure && !state_->secure)
    state_->fatal = stop("mqtts:// is not in this build");
}

PahoSource::~PahoSource() { state_->leave(); }

Status PahoSource::receive(std::vector<ReceivedMessage>& messages, milliseconds longest) {
  const Steady::time_point deadline = Steady::now() + longest;
  const std::size_t before = messages.size();
  do {
    if (!state_->fatal) state_->advance();
    if (state_->fatal) return *state_->fatal;
    const nanoseconds wait = std::min(deadline, state_->wake_at()) - Steady::now();
    state_->mailbox.take(messages, std::max(wait, nanoseconds{0}));
  } while (messages.size() == before && Steady::now() < deadline);
  if (state_->is_subscribed() || state_->trouble.empty()) return ok();
  return retry(state_->trouble);
}

bool PahoSource::is_subscribed() const { return state_->is_subscribed(); }

}  // namespace outrider
