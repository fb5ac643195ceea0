// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "agent/status/ledger_json.h"
#include "agent/status/status_report.h"

namespace outrider {
namespace {

constexpr std::size_t kMostHeldStreams = 16;

double in_seconds(nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

std::optional<double> in_seconds(std::optional<nanoseconds> duration) {
  return duration ? std::optional(in_seconds(*duration)) : std::nullopt;
}

void write_input(JsonWriter& json, const InputStatus& input) {
  json.open("input");
  json.count("frames", input.frames);
  json.count("matched", input.matched);
  json.number("seconds_since_last", in_seconds(input.silence));
  json.close();
}

void write_held(JsonWriter& json, const std::vector<HeldStatus>& held) {
  json.count("held_streams", held.size());
  json.open_list("held");
  for (std::size_t i = 0; i < held.size() && i < kMostHeldStreams; ++i) {
    json.open("");
    json.text("topic", held[i].topic);
    json.text("reason", held[i].reason);
    json.count("refusals", held[i].refusals);
    json.number("next_try_in_seconds", in_seconds(held[i].next_try_in));
    json.flag("needs_help", held[i].needs_help);
    json.close();
  }
  json.close();
}

void write_link(JsonWriter& json, const LinkStatus& link) {
  json.open("link");
  json.text("mode", link.mode);
  json.text("broker", link.broker);
  json.number("for_seconds", in_seconds(link.since));
  json.count("in_flight", link.in_flight);
  json.flag("throttled", link.is_throttled);
  json.number("throttled_seconds", in_seconds(link.counters.throttled));
  json.count("connects", link.counters.connects);
  json.count("losses", link.counters.losses);
  json.count("takeovers", link.counters.takeovers);
  json.count("sent_bytes", link.counters.payload_bytes);
  json.count("refusals", link.counters.refusals);
  json.count("buried", link.counters.buried);
  write_held(json, link.held);
  json.open("failures");
  for (std::size_t i = 0; i < kLinkFaults; ++i) json.count(kLinkFaultNames[i], link.counters.faults[i]);
  json.close();
  json.number("next_attempt_in_seconds", in_seconds(link.next_attempt_in));
  json.text("last_error", link.last_error);
  json.number("last_error_seconds_ago", in_seconds(link.last_error_age));
  json.close();
}

void write_certificate(JsonWriter& json, const std::optional<CertificateStatus>& certificate) {
  if (!certificate) return json.null("certificate");
  json.open("certificate");
  json.text("subject", certificate->subject);
  json.text("not_after", iso_time(certificate->not_after));
  if (certificate->days_left)
    json.integer("days_left", *certificate->days_left);
  else
    json.null("days_left");
  json.text("sha256", certificate->sha256);
  json.close();
}

void write_backlog(JsonWriter& json, const StatusReport& report) {
  json.open("backlog");
  for (const Channel channel : {Channel::kTelemetry, Channel::kEvents}) {
    const BacklogStatus& waiting = report.backlog[static_cast<std::size_t>(channel)];
    json.open(name_of(channel));
    json.count("rows", waiting.rows);
    json.count("samples", waiting.samples);
    json.count("bytes", waiting.bytes);
    json.number("oldest_age_seconds", in_seconds(waiting.oldest_age));
    json.close();
  }
  json.close();
}

void write_flow(JsonWriter& json, const StatusReport& report) {
  json.open("rates");
  json.number("sampled_per_second", report.sampled_per_second);
  json.number("delivered_per_second", report.delivered_per_second);
  json.number("stored_bytes_per_second", report.stored_bytes_per_second);
  json.close();
  json.open("autonomy");
  json.text("state", name_of(report.autonomy.state));
  const bool has_hours =
      report.autonomy.state == Autonomy::State::kFilling || report.autonomy.state == Autonomy::State::kFull;
  json.number("hours_until_oldest_goes", has_hours ? std::optional(report.autonomy.hours) : std::nullopt, 2);
  json.close();
  json.open("drain");
  json.text("state", name_of(report.drain.state));
  json.number(
      "minutes",
      report.drain.state == Drain::State::kDraining ? std::optional(report.drain.minutes) : std::nullopt, 2);
  json.close();
}

void write_losses(JsonWriter& json, const StatusReport& report) {
  json.open("ledger");
  write_ledger(json, report.ledger);
  json.flag("closes", report.closes);
  json.close();
  write_causes(json, "lost", report.losses);
}

void write_clock(JsonWriter& json, const ClockStatus& clock) {
  json.open("clock");
  json.text("quality", name_of(clock.quality));
  json.number("offset_seconds", in_seconds(clock.offset), 3);
  json.text("boot_id", clock.boot_id);
  json.close();
}

void write_store(JsonWriter& json, const StoreHealth& store, nanoseconds uptime) {
  json.open("disk");
  json.count("file_bytes", store.file_bytes);
  json.count("used_bytes", store.used_bytes);
  json.count("limit_bytes", store.limit_bytes);
  json.count("free_bytes", store.free_disk_bytes);
  json.flag("short", store.is_disk_short);
  json.flag("failing", store.is_failing);
  json.flag("in_memory", store.is_in_memory);
  json.flag("damaged", store.is_damaged);
  json.text("last_error", store.last_error);
  json.close();
  json.open("flash");
  json.count("written_bytes", store.written_bytes);
  json.number("bytes_per_day", bytes_per_day(store.written_bytes, uptime), 0);
  json.count("commits", store.commits);
  json.count("failed_commits", store.failed_commits);
  json.count("syncs", store.syncs);
  json.close();
}

void write_problems(JsonWriter& json, const std::vector<Problem>& problems, Problem::Time now) {
  json.open_list("problems");
  for (const Problem& problem : problems) {
    json.open("");
    json.text("level", problem.is_error ? "error" : "warning");
    json.text("topic", problem.topic);
    json.text("text", problem.text);
    json.count("count", problem.count);
    json.number("first_seconds_ago", in_seconds(now - problem.first));
    json.number("last_seconds_ago", in_seconds(now - problem.last));
    json.close();
  }
  json.close();
}

}  // namespace

std::optional<double> bytes_per_day(std::uint64_t bytes, nanoseconds uptime) {
  constexpr seconds kTelling{60};
  constexpr double kSecondsPerDay = 86'400;
  if (uptime < kTelling) return std::nullopt;
  return std::round(static_cast<double>(bytes) / in_seconds(uptime) * kSecondsPerDay);
}

std::string report_json(const StatusReport& report, Problem::Time now) {
  JsonWriter json;
  json.text("schema", "outrider/agent_status/1");
  json.text("version", report.version);
  json.text("agent", report.agent);
  json.text("time", iso_time(report.clock.now));
  json.number("uptime_seconds", in_seconds(report.uptime));
  json.text("epoch", report.epoch);
  json.open_list("vehicle_ids");
  for (const std::string& vehicle_id : report.vehicle_ids) json.text("", vehicle_id);
  json.close();
  write_input(json, report.input);
  write_link(json, report.link);
  write_certificate(json, report.certificate);
  write_backlog(json, report);
  write_flow(json, report);
  write_losses(json, report);
  json.count("dead_letters", report.store.dead_letters);
  write_clock(json, report.clock);
  write_store(json, report.store, report.uptime);
  write_problems(json, report.problems, now);
  return json.finish();
}

}  // namespace outrider
