// SPDX-License-Identifier: Apache-2.0
#include "agent/base/quantity.h"
#include "agent/status/status_report.h"

namespace outrider {
namespace {

std::optional<std::string> store_complaint(const StatusReport& report) {
  const StoreHealth& store = report.store;
  const std::string reason = store.last_error.empty() ? "" : ": " + store.last_error;
  if (store.is_in_memory) return "there is no buffer on the disk, only memory" + reason;
  if (store.is_damaged) return "the buffer is damaged" + reason;
  if (store.is_failing) return "the buffer cannot be written" + reason;
  if (store.commits == 0) return "nothing has been written to the buffer yet";
  if (report.closes) return std::nullopt;
  const Ledger& ledger = report.ledger;
  return "the ledger does not close: sampled " + std::to_string(ledger.sampled) + " is not delivered " +
         std::to_string(ledger.delivered) + " + waiting " + std::to_string(ledger.waiting) + " + lost " +
         std::to_string(ledger.lost);
}

}  // namespace

std::optional<std::string> complaint(const StatusReport& report, nanoseconds within) {
  if (auto found = store_complaint(report)) return found;
  const InputStatus& input = report.input;
  if (input.silence.value_or(report.uptime) > within)
    return input.silence ? "no frame came for " + duration_text(*input.silence)
                         : "no frame came since the start " + duration_text(report.uptime) + " ago";
  for (const HeldStatus& held : report.link.held)
    if (held.needs_help) return "the broker refuses " + held.topic + ": " + held.reason;
  if (const LinkStatus& link = report.link; !link.is_connected && link.since > within)
    return "no connection to a broker for " + duration_text(link.since) +
           (link.last_error.empty() ? "" : ": " + link.last_error);
  return std::nullopt;
}

}  // namespace outrider
