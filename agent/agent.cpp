// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include <algorithm>

#include "agent/base/backoff.h"
#include "agent/base/json_text.h"
#include "agent/base/log.h"
#include "agent/publish/status_document.h"
#include "agent/publish/timeline.h"

namespace outrider {
namespace {

/// A frame cannot make more than a few hundred bytes of rows, so the half of the staging memory that is left when a
/// commit is due lasts this long.
constexpr std::size_t kFramesBetweenCommits = 256;

}  // namespace

/// The data path, top to bottom: collect, decode, select, store, publish.
Status Agent::turn() {
  const BootTime now = ports_.clock.now();
  note_times();
  for (Lane& lane : lanes_) lane.begin_turn(sample_boot_, now);

  ports_.inbox.take_all(batch_);
  if (!batch_.empty()) last_frame_ = now;
  frames_ += batch_.size();
  const std::size_t buses = config_.buses.size();
  std::size_t taken = 0;
  for (const CanFrame& frame : batch_) {
    lanes_[frame.bus / buses].take(frame.bus % buses, frame);  // decode → select → row
    // A log at full speed makes more rows in one turn than the staging memory holds.
    if (++taken % kFramesBetweenCommits != 0) continue;
    if (Status committed = commit(now); !committed) return committed;
  }
  report_losses();
  for (Lane& lane : lanes_) lane.end_turn();

  if (Status committed = commit(now); !committed) return committed;
  expire(now);
  watch_certificate(now);
  update_statuses();
  publisher_->advance(now);
  ports_.outbox.set_live(publisher_->mode() == Publisher::Mode::kLive);
  answer_requests(now);
  return ports_.outbox.is_damaged() ? outrider::stop("the buffer is damaged") : ok();
}

Result<std::unique_ptr<Agent>> Agent::make(const Config& config, const std::vector<std::string>& vehicle_ids,
                                           const BusFiles& files, std::string password, AgentPorts ports,
                                           std::uint64_t seed) {
  std::unique_ptr<Agent> agent(new Agent(config, ports));
  for (const std::string& vehicle_id : vehicle_ids) {
    const auto telemetry = ports.outbox.stream(vehicle_id, Channel::kTelemetry);
    if (!telemetry) return telemetry.error();
    const auto events = ports.outbox.stream(vehicle_id, Channel::kEvents);
    if (!events) return events.error();
    agent->lanes_.emplace_back(vehicle_id, config, files, ports.outbox, Lane::Streams{*telemetry, *events});
  }
  agent->publisher_ = std::make_unique<Publisher>(
      PublisherOptions{.config = config.publish,
                       .password = std::move(password),
                       .max_in_flight_bytes = std::min(in_flight_limit(config.buffer.max_bytes),
                                                       config.publish.profile.max_in_flight_bytes),
                       .seed = seed},
      ports.outbox, ports.broker);
  // What was lost before is the business of an agent that was here before, if there was one.
  agent->inbox_drops_seen_ = ports.inbox.dropped();
  for (std::size_t bus = 0; bus < vehicle_ids.size() * config.buses.size(); ++bus)
    agent->overruns_seen_.push_back(ports.can.overruns(static_cast<std::uint16_t>(bus)));
  agent->catalogue_sizes_.assign(vehicle_ids.size(), static_cast<std::size_t>(-1));
  agent->note_times();
  std::string started = R"("event":"started","severity":"info","version":)";
  append_json_string(started, OUTRIDER_VERSION);
  started += ",\"boot_id\":";
  append_json_string(started, ports.clock.reference().boot_id);
  started += ports.outbox.was_unclean() ? ",\"last_stop\":\"unclean\"" : ",\"last_stop\":\"clean\"";
  agent->before_ = agent->totals();
  agent->store_event(started);
  agent->tell_of_salvage();
  return agent;
}

void Agent::tell_of_salvage() {
  const std::optional<SalvageReport>& report = ports_.outbox.salvage_report();
  if (!report) return;
  std::string event = R"("event":"buffer_salvaged","severity":"warning","saved_rows":)";
  event += std::to_string(report->rows) + ",\"lost_rows\":" + std::to_string(report->lost_rows) +
           ",\"lost_samples\":" + std::to_string(report->lost_samples) +
           ",\"is_new_epoch\":" + (report->is_new_epoch ? "true" : "false") + ",\"reason\":";
  append_json_string(event, report->reason);
  store_event(event);
}

Agent::Agent(const Config& config, AgentPorts ports)
    : config_(config), ports_(ports), started_(ports.clock.now()) {
  const auto is_secure = [](const BrokerAddress& broker) { return broker.is_secure; };
  const PublishConfig& publish = config_.publish;
  if (!publish.tls.certificate.empty() &&
      std::any_of(publish.brokers.begin(), publish.brokers.end(), is_secure))
    certificate_.emplace(publish.tls, ports.told);
}

/// The key of the reference's boot; what is new about its time goes into the table of offsets.
std::uint32_t Agent::note_time(const TimeReference& reference) {
  const std::uint32_t boot = ports_.outbox.boot(reference.boot_id);
  if (is_news(ports_.outbox.offsets(), boot, reference))
    ports_.outbox.note_offset({.boot = boot,
                               .from = ports_.clock.now(),
                               .offset = reference.offset,
                               .is_synced = reference.is_synced});
  return boot;
}

void Agent::note_times() {
  boot_ = note_time(ports_.clock.reference());
  sample_boot_ = note_time(ports_.clock.sample_reference());
}

void Agent::report_losses() {
  const std::uint64_t drops = ports_.inbox.dropped();
  lanes_.front().count_loss("inbox.full", drops - inbox_drops_seen_);
  inbox_drops_seen_ = drops;
  for (std::size_t bus = 0; bus < overruns_seen_.size(); ++bus) {
    const std::uint64_t overruns = ports_.can.overruns(static_cast<std::uint16_t>(bus));
    if (overruns == overruns_seen_[bus]) continue;
    const std::size_t buses = config_.buses.size();
    lanes_[bus / buses].count_loss(config_.buses[bus % buses].name + ".overrun",
                                   overruns - overruns_seen_[bus]);
    overruns_seen_[bus] = overruns;
  }
}

Status Agent::commit(BootTime now) {
  if (!ports_.outbox.is_commit_due(now) || now < next_commit_attempt_) return ok();
  if (Status committed = ports_.outbox.commit(); !committed) {
    if (committed.error().fault == Fault::kStop) return committed;
    // Sampling goes on in bounded memory; trying at every turn would only wear the flash and the log.
    constexpr BackoffLimits kRetry{.base = milliseconds(500), .cap = milliseconds(30'000)};
    next_commit_attempt_ = now + backoff_delay(kRetry, ++failed_commits_, 1.0);
    log_error("store", committed.error().text);
    return ok();
  }
  failed_commits_ = 0;
  return ok();
}

/// Rows that waited for longer than `buffer.max_age` go.
void Agent::expire(BootTime now) {
  constexpr seconds kBetween{10};
  if (!config_.buffer.max_age || now < next_expiry_) return;
  next_expiry_ = now + kBetween;
  const TimeReference reference = ports_.clock.reference();
  const Status done = ports_.outbox.expire([&](std::uint32_t boot, BootTime time) {
    return is_older(ports_.outbox.offsets(), {boot, time}, {boot_, now}, reference, *config_.buffer.max_age);
  });
  if (!done) log_warning("store", done.error().text);
}

void Agent::update_statuses() {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (lanes_[i].series().size() == catalogue_sizes_[i]) continue;
    catalogue_sizes_[i] = lanes_[i].series().size();
    const bool has_will = i == 0;
    publisher_->set_status(lanes_[i].vehicle_id(),
                           status_of(lanes_[i], has_will ? std::optional(true) : std::nullopt));
    if (has_will)
      publisher_->set_will(lanes_[i].vehicle_id(), status_of(lanes_[i], false),
                           status_of(lanes_[i], false, 0));
  }
}

std::string Agent::status_of(const Lane& lane, std::optional<bool> is_online,
                             std::size_t longest_will) const {
  StatusDocument document{.vehicle_id = lane.vehicle_id(),
                          .agent = config_.publish.client_id,
                          .is_online = is_online,
                          .epoch = ports_.outbox.epoch(),
                          .layout = config_.publish.layout,
                          .series = &lane.series()};
  std::string text = status_text(document, ports_.clock.wall_now());
  if (is_online.value_or(true) || text.size() <= longest_will) return text;
  document.lists_signals = false;
  return status_text(document, ports_.clock.wall_now());
}

void Agent::store_event(std::string_view members) {
  for (Lane& lane : lanes_) lane.store_event(members, boot_, ports_.clock.now());
}

Status Agent::finish() {
  for (Lane& lane : lanes_) lane.begin_turn(sample_boot_, ports_.clock.now());
  // Twice: what the staging memory could not take is reported once the commit has made room.
  for (int round = 0; round < 2; ++round) {
    for (Lane& lane : lanes_) lane.finish();
    if (Status committed = ports_.outbox.commit(); !committed) return committed;
  }
  return ok();
}

void Agent::stop() {
  if (const auto committed = ports_.outbox.commit(); !committed) log_error("store", committed.error().text);
  publisher_->say_goodbye(status_of(lanes_.front(), false));
}

bool Agent::is_drained() const {
  if (ports_.outbox.staged_rows() > 0) return false;
  for (std::size_t i = 0; i < ports_.outbox.streams().size(); ++i)
    if (ports_.outbox.backlog(static_cast<StreamIndex>(i)).rows > 0) return false;
  return true;
}

Progress Agent::progress() const {
  Progress progress = totals();
  progress.frames += inherited_.frames;
  progress.matched += inherited_.matched;
  progress.sampled += inherited_.sampled - before_.sampled;
  progress.stored += inherited_.stored - before_.stored;
  progress.published += inherited_.published - before_.published;
  progress.lost += inherited_.lost - before_.lost;
  return progress;
}

Progress Agent::totals() const {
  Progress progress{.frames = frames_, .link = publisher_->link_text(ports_.clock.now())};
  for (std::size_t i = 0; i < ports_.outbox.streams().size(); ++i) {
    const auto stream = static_cast<StreamIndex>(i);
    const Ledger ledger = ports_.outbox.ledger(stream);
    const Backlog backlog = ports_.outbox.backlog(stream);
    progress.sampled += ledger.sampled;
    progress.published += ledger.delivered;
    progress.waiting += ledger.waiting;
    progress.stored += ledger.delivered + backlog.samples;
    progress.lost += ledger.lost;
    progress.waiting_rows += backlog.rows;
  }
  for (const Lane& lane : lanes_) {
    progress.sampled += lane.unreported_losses();
    progress.lost += lane.unreported_losses();
    for (std::size_t bus = 0; bus < config_.buses.size(); ++bus)
      progress.matched += lane.decoder(bus).counters().matched;
  }
  return progress;
}

}  // namespace outrider
