// SPDX-License-Identifier: Apache-2.0
// What the agent says about itself: beside the data path, in the same turn of the loop, so that nothing needs a lock.
#include <algorithm>

#include "agent/agent.h"
#include "agent/base/json_text.h"
#include "agent/base/log.h"
#include "agent/publish/timeline.h"
#include "agent/status/buffer_answers.h"
#include "agent/status/json_writer.h"
#include "agent/status/local_request.h"

namespace outrider {
namespace {

const char* name_of(Publisher::Mode mode) {
  switch (mode) {
    case Publisher::Mode::kOffline:
      return "offline";
    case Publisher::Mode::kConnecting:
      return "connecting";
    case Publisher::Mode::kCatchingUp:
      return "catching up";
    case Publisher::Mode::kLive:
      break;
  }
  return "live";
}

std::string health_line(const StatusReport& report, milliseconds within) {
  const std::optional<std::string> why = complaint(report, within);
  JsonWriter json;
  json.flag("healthy", !why);
  if (why) json.text("why", *why);
  return json.finish() + "\n";
}

std::string text_line(const StatusReport& report) {
  JsonWriter json;
  json.text("text", report_text(report, std::chrono::steady_clock::now()));
  return json.finish() + "\n";
}

/// The rows of a channel are as old as the oldest of them.
void add(BacklogStatus& to, const Backlog& backlog, std::optional<nanoseconds> oldest_age) {
  to.rows += backlog.rows;
  to.samples += backlog.samples;
  to.bytes += backlog.bytes;
  to.oldest_age = std::max(to.oldest_age, oldest_age);
}

}  // namespace

void Agent::answer_requests(BootTime now) {
  observe_flow(now);
  if (ports_.requests == nullptr) return;
  requests_.clear();
  ports_.requests->take_requests(requests_);
  for (const Request& request : requests_) ports_.requests->reply(request.id, answer(request.text));
}

std::string Agent::answer(const std::string& text) {
  const Result<LocalRequest> request = parse_request(text);
  if (!request) return error_line(request.error().text);
  switch (request->kind) {
    case LocalRequest::Kind::kStatus:
      return report_json(report(), std::chrono::steady_clock::now()) + "\n" + end_line();
    case LocalRequest::Kind::kText:
      return text_line(report()) + end_line();
    case LocalRequest::Kind::kHealth:
      return health_line(report(), request->within) + end_line();
    default:
      return answer_buffer_request(*request, ports_.outbox, config_.publish.layout);
  }
}

/// Rates need a look at the counters now and then, whether somebody asks or not.
void Agent::observe_flow(BootTime now) {
  constexpr seconds kBetween{1};
  if (now < next_observation_) return;
  next_observation_ = now + kBetween;
  Flow flow;
  for (std::size_t i = 0; i < ports_.outbox.streams().size(); ++i) {
    const auto stream = static_cast<StreamIndex>(i);
    const Ledger ledger = ports_.outbox.ledger(stream);
    flow.sampled += ledger.sampled;
    flow.delivered += ledger.delivered;
    flow.waiting_bytes += ports_.outbox.backlog(stream).bytes;
  }
  for (const Lane& lane : lanes_) flow.stored_bytes += lane.stored_bytes();
  forecast_.note(now, flow);
  const StoreHealth store = ports_.outbox.health();
  forecast_.note_room(store.used_bytes, store.limit_bytes);
}

StatusReport Agent::report() const {
  const BootTime now = ports_.clock.now();
  const TimeReference reference = ports_.clock.reference();
  StatusReport report;
  report.version = OUTRIDER_VERSION;
  report.agent = config_.publish.client_id;
  report.epoch = ports_.outbox.epoch();
  for (const Lane& lane : lanes_) report.vehicle_ids.push_back(lane.vehicle_id());
  report.uptime = now - started_;
  report.clock = {.quality = reference.is_synced ? ClockQuality::kSynced : ClockQuality::kEstimated,
                  .now = ports_.clock.wall_now(),
                  .offset = reference.offset,
                  .boot_id = reference.boot_id};
  report.input.frames = frames_;
  for (const Lane& lane : lanes_)
    for (std::size_t bus = 0; bus < config_.buses.size(); ++bus)
      report.input.matched += lane.decoder(bus).counters().matched;
  if (last_frame_) report.input.silence = now - *last_frame_;
  report.link = link_status(now);
  report.certificate = certificate_status();
  report.backlog = backlog_status(now);
  report.store = ports_.outbox.health();
  report.sampled_per_second = forecast_.sampled_per_second();
  report.delivered_per_second = forecast_.delivered_per_second();
  report.stored_bytes_per_second = forecast_.stored_bytes_per_second();
  report.autonomy = forecast_.autonomy(report.store.used_bytes, report.store.limit_bytes);
  report.drain = forecast_.drain(std::max(report.backlog[0].oldest_age, report.backlog[1].oldest_age));
  add_ledgers(report);
  report.problems = recent_problems();
  return report;
}

/// Once it is stored, an event is not told again after a restart.
void Agent::watch_certificate(BootTime now) {
  using Kind = CertificateNotice::Kind;
  if (!certificate_) return;
  const std::optional<CertificateNotice> notice = certificate_->look(now, ports_.clock.wall_now());
  if (!notice) return;
  const bool is_renewed = notice->kind == Kind::kRenewed;
  log(is_renewed ? LogLevel::kNotice : LogLevel::kWarning, "identity", notice->text);
  std::string event = "\"event\":\"certificate_";
  event += is_renewed ? "renewed" : notice->kind == Kind::kExpired ? "expired" : "expires";
  event += "\",\"severity\":\"";
  event += is_renewed ? "info" : notice->is_critical ? "critical" : "warning";
  event += "\",\"subject\":";
  append_json_string(event, notice->certificate.subject);
  event += ",\"not_after\":\"" + iso_time(notice->certificate.not_after) + "\",\"sha256\":\"" +
           notice->certificate.sha256 + "\"";
  if (!is_renewed) event += ",\"days_left\":" + std::to_string(notice->days_left);
  store_event(event);
  if (is_renewed)
    publisher_->renew_connection();
  else if (ports_.outbox.commit())
    certificate_->keep_told();
}

std::optional<CertificateStatus> Agent::certificate_status() const {
  if (!certificate_ || !certificate_->current()) return std::nullopt;
  const CertificateInfo& certificate = *certificate_->current();
  const WallTime now = ports_.clock.wall_now();
  return CertificateStatus{
      .subject = certificate.subject,
      .not_after = certificate.not_after,
      .days_left = is_clock_plausible(now) ? std::optional(days_left(certificate, now)) : std::nullopt,
      .sha256 = certificate.sha256};
}

LinkStatus Agent::link_status(BootTime now) const {
  const LinkState link = publisher_->link();
  const auto until = [now](BootTime then) { return std::max(then - now, nanoseconds(0)); };
  LinkStatus status;
  status.mode = name_of(publisher_->mode());
  status.is_connected = link.is_connected;
  status.broker = link.broker;
  status.since = now - link.since.value_or(started_);
  status.in_flight = publisher_->in_flight();
  status.is_throttled = publisher_->is_throttled();
  for (const HeldStream& held : publisher_->held_streams(now))
    status.held.push_back({.topic = held.topic,
                           .reason = held.reason,
                           .refusals = held.refusals,
                           .next_try_in = until(held.next_try),
                           .needs_help = held.needs_help});
  status.counters = publisher_->counters();
  if (const std::optional<PublishTrouble>& trouble = publisher_->last_trouble()) {
    status.last_error = trouble->text;
    status.last_error_age = now - trouble->at;
  }
  if (link.next_attempt) status.next_attempt_in = until(*link.next_attempt);
  return status;
}

std::array<BacklogStatus, 2> Agent::backlog_status(BootTime now) const {
  std::array<BacklogStatus, 2> report;
  const auto& streams = ports_.outbox.streams();
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const auto stream = static_cast<StreamIndex>(i);
    add(report[static_cast<std::size_t>(streams[i].channel)], ports_.outbox.backlog(stream),
        age_of_oldest(stream, now));
  }
  return report;
}

/// By the time since boot where it was the same boot, else by the wall clock as far as it is known.
std::optional<nanoseconds> Agent::age_of_oldest(StreamIndex stream, BootTime now) const {
  std::vector<Row> rows;
  if (ports_.outbox.backlog(stream).rows == 0 || !ports_.outbox.read(stream, 0, 1, 1, rows) || rows.empty())
    return std::nullopt;
  const Row& oldest = rows.front();
  const nanoseconds age =
      oldest.boot == boot_
          ? now - oldest.time
          : ports_.clock.wall_now() - wall_time(ports_.outbox.offsets(), oldest.boot, oldest.time).time;
  return std::max(age, nanoseconds(0));
}

void Agent::add_ledgers(StatusReport& report) const {
  for (std::size_t i = 0; i < ports_.outbox.streams().size(); ++i) {
    const auto stream = static_cast<StreamIndex>(i);
    const Ledger ledger = ports_.outbox.ledger(stream);
    report.ledger.sampled += ledger.sampled;
    report.ledger.delivered += ledger.delivered;
    report.ledger.waiting += ledger.waiting;
    report.ledger.lost += ledger.lost;
    report.closes = report.closes && ledger.sampled == ledger.delivered + ledger.waiting + ledger.lost;
    for (const auto& [cause, count] : ports_.outbox.losses(stream))
      count_loss(report.losses, cause, count, Outbox::kMostStoredCauses);
  }
  for (const Lane& lane : lanes_) {
    report.ledger.sampled += lane.unreported_losses();
    report.ledger.lost += lane.unreported_losses();
    for (const auto& [cause, count] : lane.unreported())
      count_loss(report.losses, cause, count, Outbox::kMostStoredCauses);
  }
}

}  // namespace outrider
