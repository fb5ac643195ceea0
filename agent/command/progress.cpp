// SPDX-License-Identifier: Apache-2.0
#include "agent/command/progress.h"

#include <cstdio>

#include "agent/base/json_text.h"
#include "agent/base/quantity.h"

namespace outrider {
namespace {

void append_member(std::string& json, std::string_view key, std::uint64_t value) {
  if (json.back() != '{') json += ',';
  json += '"';
  json += key;
  json += "\":";
  append_integer(json, static_cast<std::int64_t>(value));
}

std::uint64_t whole_milliseconds(nanoseconds duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(duration).count());
}

}  // namespace

void ProgressLine::show(nanoseconds elapsed, const Progress& progress) {
  next_ = elapsed + (is_terminal_ ? nanoseconds(seconds(1)) : nanoseconds(seconds(10)));
  write(elapsed, progress, is_terminal_ ? "\x1b[K\r" : "\n");
}

void ProgressLine::end(nanoseconds elapsed, const Progress& progress) {
  if (!is_quiet_) write(elapsed, progress, is_terminal_ ? "\x1b[K\n" : "\n");
}

void ProgressLine::write(nanoseconds elapsed, const Progress& progress, const char* line_end) const {
  std::fprintf(stderr,
               "%5llds  sampled %s  stored %s  published %s  waiting %s (%s rows)  lost %s  link: %s%s",
               static_cast<long long>(std::chrono::duration_cast<seconds>(elapsed).count()),
               grouped(progress.sampled).c_str(), grouped(progress.stored).c_str(),
               grouped(progress.published).c_str(), grouped(progress.waiting).c_str(),
               grouped(progress.waiting_rows).c_str(), grouped(progress.lost).c_str(), progress.link.c_str(),
               line_end);
  std::fflush(stderr);
}

std::string summary_json(const Agent& agent, nanoseconds elapsed, std::optional<nanoseconds> first_durable) {
  const Progress progress = agent.progress();
  const PublisherCounters& published = agent.publisher().counters();
  std::string json = "{";
  append_member(json, "elapsed_ms", whole_milliseconds(elapsed));
  if (first_durable) append_member(json, "first_durable_ms", whole_milliseconds(*first_durable));
  append_member(json, "frames", progress.frames);
  append_member(json, "matched", progress.matched);
  append_member(json, "sampled", progress.sampled);
  append_member(json, "stored", progress.stored);
  append_member(json, "published", progress.published);
  append_member(json, "waiting", progress.waiting);
  append_member(json, "waiting_rows", progress.waiting_rows);
  append_member(json, "lost", progress.lost);
  append_member(json, "messages", published.messages);
  append_member(json, "payload_bytes", published.payload_bytes);
  append_member(json, "connects", published.connects);
  append_member(json, "link_losses", published.losses);
  return json + "}";
}

}  // namespace outrider
