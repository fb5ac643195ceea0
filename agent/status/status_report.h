// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/log.h"
#include "agent/base/loss_counts.h"
#include "agent/base/time.h"
#include "agent/publish/publisher_figures.h"
#include "agent/status/forecast.h"
#include "agent/store/outbox.h"
#include "agent/store/store_health.h"

namespace outrider {

struct InputStatus {
  std::uint64_t frames = 0;            ///< Received since the start.
  std::uint64_t matched = 0;           ///< Of these, of a message that the configuration wants.
  std::optional<nanoseconds> silence;  ///< Since the last frame; absent before the first.
};

/// A stream that waits because of what the broker said.
struct HeldStatus {
  std::string topic;
  std::string reason;
  std::uint32_t refusals = 0;  ///< In a row.
  nanoseconds next_try_in{};
  bool needs_help = false;  ///< Nothing of it goes out until somebody mends the topic, or the broker.
};

struct LinkStatus {
  std::string mode;  ///< "offline", "connecting", "catching up", "live".
  bool is_connected = false;
  std::string broker;         ///< That it is connected to, or that comes next.
  nanoseconds since{};        ///< How long it has been connected, or not.
  std::size_t in_flight = 0;  ///< Messages that the broker has not acknowledged.
  bool is_throttled = false;  ///< Something waits for the configured rate.
  std::vector<HeldStatus> held;
  PublisherCounters counters;
  std::string last_error;
  std::optional<nanoseconds> last_error_age;
  std::optional<nanoseconds> next_attempt_in;
};

/// By which brokers know this device.
struct CertificateStatus {
  std::string subject;
  WallTime not_after{};
  std::optional<std::int64_t> days_left;  ///< Negative when it is over; absent while the clock is not set.
  std::string sha256;
};

/// What waits in all streams of one channel.
struct BacklogStatus {
  std::uint64_t rows = 0;
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
  std::optional<nanoseconds> oldest_age;
};

struct ClockStatus {
  ClockQuality quality = ClockQuality::kEstimated;  ///< kSynced or kEstimated: of now.
  WallTime now{};
  nanoseconds offset{};  ///< Of UTC to the time since boot.
  std::string boot_id;
};

/// What the running agent is doing. Values only: gathered by the loop, shown by anybody.
struct StatusReport {
  std::string version;
  std::string agent;  ///< Client id.
  std::string epoch;
  std::vector<std::string> vehicle_ids;
  nanoseconds uptime{};
  ClockStatus clock;
  InputStatus input;
  LinkStatus link;
  std::optional<CertificateStatus> certificate;
  std::array<BacklogStatus, 2> backlog;  ///< By Channel.
  std::optional<double> sampled_per_second;
  std::optional<double> delivered_per_second;
  std::optional<double> stored_bytes_per_second;
  Autonomy autonomy;
  Drain drain;
  Ledger ledger;       ///< Of all streams, with what is lost but not in a row yet.
  bool closes = true;  ///< sampled = delivered + waiting + lost, in each stream.
  LossCounts losses;
  StoreHealth store;
  std::vector<Problem> problems;  ///< Oldest first.
};

/// One JSON object, as config/schema/agent_status.schema.json describes it.
std::string report_json(const StatusReport& report, Problem::Time now);

/// One screen for people; ends with a newline.
std::string report_text(const StatusReport& report, Problem::Time now);

/// At the pace since the start; nullopt when that is too short a time to tell.
std::optional<double> bytes_per_day(std::uint64_t bytes, nanoseconds uptime);

/// What keeps data from flowing, as one sentence; nullopt when nothing does. Silence of the bus and of the broker are
/// normal weather until they last longer than `within`.
std::optional<std::string> complaint(const StatusReport& report, nanoseconds within);

}  // namespace outrider
