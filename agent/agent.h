// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/base/inbox.h"
#include "agent/base/result.h"
#include "agent/config/config.h"
#include "agent/lane.h"
#include "agent/ports/broker.h"
#include "agent/ports/can_port.h"
#include "agent/ports/clock.h"
#include "agent/ports/request_port.h"
#include "agent/ports/small_file.h"
#include "agent/publish/publisher.h"
#include "agent/secure/device_certificate.h"
#include "agent/status/forecast.h"
#include "agent/status/status_report.h"
#include "agent/store/move_rows.h"
#include "agent/store/outbox.h"

namespace outrider {

/// What the agent needs from the world. Everything is borrowed and outlives it.
struct AgentPorts {
  Clock& clock;
  CanPort& can;  ///< Only asked for overruns; the collector receives.
  Inbox<CanFrame>& inbox;
  Outbox& outbox;
  Broker& broker;
  RequestPort* requests = nullptr;  ///< Absent: nobody can ask.
  SmallFile* told = nullptr;        ///< Of the certificate's end; absent: told again after a restart.
};

/// Figures for people; counts are since the start, what waits is all that waits.
struct Progress {
  std::uint64_t frames = 0;
  std::uint64_t matched = 0;    ///< Frames of a message that the configuration wants.
  std::uint64_t sampled = 0;    ///< Samples that got into the ledger.
  std::uint64_t stored = 0;     ///< Of these, in the database or beyond.
  std::uint64_t published = 0;  ///< Acknowledged by the broker.
  std::uint64_t waiting = 0;    ///< Stored or staged, not acknowledged yet.
  std::uint64_t lost = 0;       ///< Reported as lost.
  std::uint64_t waiting_rows = 0;
  std::string link;
};

/// The loop: collect, decode, select, store, publish.
///
/// Life cycle  make → turn, again and again → finish → (turn until nothing waits) → stop.
/// Threads     one.
class Agent {
 public:
  /// One lane per vehicle id; frame.bus counts vehicle by vehicle: vehicle * buses + bus.
  static Result<std::unique_ptr<Agent>> make(const Config& config,
                                             const std::vector<std::string>& vehicle_ids,
                                             const BusFiles& files, std::string password, AgentPorts ports,
                                             std::uint64_t seed);

  /// One pass along the data path. Errors: kStop only; what the world may mend is absorbed and counted.
  Status turn();

  /// Nothing more will be collected: stores what is in the making and commits.
  Status finish();

  /// Per lane: samples that this agent was asked to keep and its buffer does not hold. `report_unstored` hands them to the
  /// agent that takes its place.
  struct Unstored {
    std::uint64_t in_memory = 0;  ///< Staged, or lost and not reported yet.
    std::uint64_t in_file = 0;    ///< Waiting there: what does not come back was lost.
    std::uint64_t lost = 0;       ///< Of the ledger.
    std::string epoch;
  };
  std::vector<Unstored> unstored() const;
  void report_unstored(const std::vector<Unstored>& before);

  /// What an agent leaves to the one that takes its place when its buffer in memory went into a file.
  struct Handover {
    Progress progress = {};               ///< Without `losses`, which count once they are reported.
    std::vector<LossCounts> losses = {};  ///< Per lane; not reported yet.
    MovedRows moved = {};
    std::string why;  ///< There was no file.
  };
  /// Ends it: its rows are in `file` now, or in what is returned.
  Handover move_to(Outbox& file);
  void inherit(const Handover& handover);

  /// Commits and leaves the broker politely.
  void stop();

  /// True when every row has been acknowledged.
  bool is_drained() const;
  Progress progress() const;
  /// Everything that `outrider status` shows.
  StatusReport report() const;
  const Publisher& publisher() const { return *publisher_; }
  const std::vector<Lane>& lanes() const { return lanes_; }

 private:
  Agent(const Config& config, AgentPorts ports);
  Progress totals() const;
  void answer_requests(BootTime now);
  std::string answer(const std::string& request);
  void observe_flow(BootTime now);
  LinkStatus link_status(BootTime now) const;
  std::array<BacklogStatus, 2> backlog_status(BootTime now) const;
  std::optional<nanoseconds> age_of_oldest(StreamIndex stream, BootTime now) const;
  void add_ledgers(StatusReport& report) const;
  void report_losses();
  Status commit(BootTime now);
  std::uint32_t note_time(const TimeReference& reference);
  void note_times();
  void expire(BootTime now);
  void update_statuses();
  // A last will travels in CONNECT, which brokers limit (mosquitto 2.0: 100 kB in all, a will 64 KiB).
  static constexpr std::size_t kLongestWill = 16 << 10;
  std::string status_of(const Lane& lane, std::optional<bool> is_online,
                        std::size_t longest_will = kLongestWill) const;
  void store_event(std::string_view members);
  void tell_of_salvage();
  void watch_certificate(BootTime now);
  std::optional<CertificateStatus> certificate_status() const;

  const Config config_;
  const AgentPorts ports_;
  std::vector<Lane> lanes_;
  std::unique_ptr<Publisher> publisher_;
  std::optional<DeviceCertificate> certificate_;  // absent: no broker sees one
  std::uint32_t boot_ = 0;                        // that the loop's clock belongs to
  std::uint32_t sample_boot_ = 0;                 // that sample stamps belong to
  std::vector<std::uint64_t> overruns_seen_;      // per bus index
  std::uint64_t inbox_drops_seen_ = 0;
  std::vector<std::size_t> catalogue_sizes_;  // per lane, as of the last status document
  std::uint64_t frames_ = 0;
  Progress before_;  // what earlier runs left in the ledger
  Progress inherited_;
  BootTime next_expiry_{};          // when rows that are too old are looked for again
  BootTime next_commit_attempt_{};  // after a failed commit
  std::uint32_t failed_commits_ = 0;
  const BootTime started_;
  std::optional<BootTime> last_frame_;  // the loop's clock when it came
  Forecast forecast_;
  BootTime next_observation_{};
  std::vector<CanFrame> batch_;    // scratch
  std::vector<Request> requests_;  // scratch
};

}  // namespace outrider
