// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "agent/base/quantity.h"
#include "agent/status/status_report.h"

namespace outrider {
namespace {

constexpr std::size_t kMostNames = 4;

std::string line(std::string_view name, const std::string& text) {
  constexpr std::size_t kColumn = 11;
  std::string whole(name);
  whole.resize(kColumn, ' ');
  return whole + text + "\n";
}

std::string one_decimal(double value) {
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

nanoseconds from_seconds(double value) {
  constexpr double kLongest = 3e9;  // a century; beyond it nobody cares, and the integer overflows
  return std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(std::min(value, kLongest)));
}

std::string ago(nanoseconds age) { return duration_text(std::max(age, nanoseconds(0))) + " ago"; }

std::string head(const StatusReport& report) {
  std::string vehicles;
  for (std::size_t i = 0; i < report.vehicle_ids.size() && i < kMostNames; ++i)
    vehicles += (i > 0 ? ", " : "") + report.vehicle_ids[i];
  if (report.vehicle_ids.size() > kMostNames)
    vehicles += " and " + std::to_string(report.vehicle_ids.size() - kMostNames) + " more";
  return "outrider " + report.version + ", " + vehicles + ", up " + duration_text(report.uptime) +
         ", epoch " + report.epoch + "\n";
}

std::string input_text(const InputStatus& input) {
  if (!input.silence) return "no frame yet";
  return grouped(input.frames) + " frames, " + grouped(input.matched) + " of wanted messages, the last " +
         ago(*input.silence);
}

std::string link_text(const LinkStatus& link) {
  std::string text = link.mode;
  text += link.is_connected ? ", connected to " : ", next is ";
  text += link.broker + (link.is_connected ? " for " : ", not connected for ") + duration_text(link.since);
  if (link.in_flight > 0) text += ", " + grouped(link.in_flight) + " messages in flight";
  if (link.next_attempt_in) text += ", next try in " + duration_text(*link.next_attempt_in);
  if (link.is_throttled) text += ", held back to the configured rate";
  return text;
}

/// Empty when nothing failed.
std::string failures_text(const PublisherCounters& counters) {
  std::string text;
  for (std::size_t i = 0; i < kLinkFaults; ++i) {
    if (counters.faults[i] == 0) continue;
    std::string name = kLinkFaultNames[i];
    std::replace(name.begin(), name.end(), '_', ' ');
    text += (text.empty() ? "failures: " : ", ") + name + " " + grouped(counters.faults[i]);
  }
  return text;
}

std::string held_text(const HeldStatus& held) {
  return "the broker refuses " + held.topic + " (" + held.reason + "), next try in " +
         duration_text(held.next_try_in) + (held.needs_help ? "; THIS NEEDS HELP" : "");
}

std::string backlog_text(const BacklogStatus& backlog) {
  if (backlog.rows == 0) return "none";
  std::string text = grouped(backlog.rows) + " rows";
  if (backlog.samples > 0) text += ", " + grouped(backlog.samples) + " samples";
  text += ", " + size_text(backlog.bytes);
  if (backlog.oldest_age) text += ", the oldest of " + ago(*backlog.oldest_age);
  return text;
}

std::string rates_text(const StatusReport& report) {
  if (!report.sampled_per_second || !report.delivered_per_second) return "not known yet";
  std::string text = "in " + one_decimal(*report.sampled_per_second) + " samples/s, out " +
                     one_decimal(*report.delivered_per_second) + " samples/s";
  if (report.stored_bytes_per_second)
    text += ", stored " + size_text(static_cast<std::uint64_t>(*report.stored_bytes_per_second)) + "/s";
  return text;
}

std::string autonomy_text(const Autonomy& autonomy) {
  constexpr double kSecondsPerHour = 3600;
  switch (autonomy.state) {
    case Autonomy::State::kUnknown:
      return "not known yet";
    case Autonomy::State::kNotFilling:
      return "nothing comes in";
    case Autonomy::State::kFull:
      return "the buffer is full: the oldest telemetry goes";
    case Autonomy::State::kFilling:
      break;
  }
  return duration_text(from_seconds(autonomy.hours * kSecondsPerHour)) +
         " without a broker at the present rate, then the oldest telemetry goes";
}

std::string drain_text(const Drain& drain) {
  constexpr double kSecondsPerMinute = 60;
  switch (drain.state) {
    case Drain::State::kNone:
      return "nothing waits";
    case Drain::State::kUnknown:
      return "not known yet";
    case Drain::State::kNever:
      return "the backlog is never gone at the present rate";
    case Drain::State::kDraining:
      break;
  }
  return "the backlog is gone in " + duration_text(from_seconds(drain.minutes * kSecondsPerMinute)) +
         " at the present rate";
}

std::string ledger_text(const StatusReport& report) {
  const Ledger& ledger = report.ledger;
  return "sampled " + grouped(ledger.sampled) + (report.closes ? " = " : " IS NOT ") + "delivered " +
         grouped(ledger.delivered) + " + waiting " + grouped(ledger.waiting) + " + lost " +
         grouped(ledger.lost);
}

std::string losses_text(const LossCounts& losses) {
  std::string text;
  for (const auto& [cause, count] : losses) text += (text.empty() ? "" : ", ") + cause + " " + grouped(count);
  return text.empty() ? "nothing" : text;
}

std::string disk_text(const StoreHealth& store) {
  if (store.is_in_memory)
    return "NO BUFFER ON THE DISK: " + store.last_error + "; " + size_text(store.used_bytes) + " used of " +
           size_text(store.limit_bytes) + " in memory";
  std::string text = size_text(store.used_bytes) + " used of " + size_text(store.limit_bytes) + ", file " +
                     size_text(store.file_bytes) + ", disk has " + size_text(store.free_disk_bytes) + " free";
  if (store.is_disk_short) text += ", WHICH IS SHORT";
  if (store.is_failing) text += ", CANNOT BE WRITTEN: " + store.last_error;
  if (store.is_damaged) text += ", DAMAGED";
  return text;
}

std::string flash_text(const StatusReport& report) {
  const StoreHealth& store = report.store;
  std::string text = size_text(store.written_bytes) + " written in " + grouped(store.commits) + " commits, " +
                     grouped(store.syncs) + " syncs";
  if (const auto daily = bytes_per_day(store.written_bytes, report.uptime))
    text += ", " + size_text(static_cast<std::uint64_t>(*daily)) + " per day";
  return text;
}

std::string certificate_text(const CertificateStatus& certificate) {
  const std::optional<std::int64_t> days = certificate.days_left;
  const std::string until = iso_time(certificate.not_after);
  if (!days) return certificate.subject + ", certificate until " + until;
  if (*days < 0) return certificate.subject + ", certificate EXPIRED at " + until;
  return certificate.subject + ", certificate for " + std::to_string(*days) +
         (*days == 1 ? " day" : " days") + " more, until " + until;
}

}  // namespace

std::string report_text(const StatusReport& report, Problem::Time now) {
  std::string text = head(report);
  text += line("input", input_text(report.input));
  text += line("link", link_text(report.link));
  if (report.link.last_error_age)
    text += line("", "last error " + ago(*report.link.last_error_age) + ": " + report.link.last_error);
  if (const std::string failures = failures_text(report.link.counters); !failures.empty())
    text += line("", failures);
  for (std::size_t i = 0; i < report.link.held.size() && i < kMostNames; ++i)
    text += line("", held_text(report.link.held[i]));
  if (report.certificate) text += line("identity", certificate_text(*report.certificate));
  for (const Channel channel : {Channel::kTelemetry, Channel::kEvents})
    text += line(channel == Channel::kTelemetry ? "waiting" : "",
                 std::string(name_of(channel)) + ": " +
                     backlog_text(report.backlog[static_cast<std::size_t>(channel)]));
  text += line("rates", rates_text(report));
  text += line("autonomy", autonomy_text(report.autonomy));
  text += line("drain", drain_text(report.drain));
  text += line("ledger", ledger_text(report));
  text += line("lost", losses_text(report.losses));
  if (report.store.dead_letters > 0)
    text +=
        line("dead", grouped(report.store.dead_letters) + " letters; see \"outrider buffer list --dead\"");
  text += line("disk", disk_text(report.store));
  text += line("flash", flash_text(report));
  text += line("clock", std::string(name_of(report.clock.quality)) + ", " + iso_time(report.clock.now));
  for (const Problem& problem : report.problems)
    text += line(&problem == &report.problems.front() ? "problems" : "",
                 ago(now - problem.last) + ", " + (problem.is_error ? "error " : "") + problem.topic + ": " +
                     problem.text + (problem.count > 1 ? " (" + grouped(problem.count) + " times)" : ""));
  return text;
}

}  // namespace outrider
