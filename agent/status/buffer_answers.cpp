// SPDX-License-Identifier: Apache-2.0
#include "agent/status/buffer_answers.h"

#include <algorithm>

#include "agent/publish/row_text.h"
#include "agent/publish/timeline.h"
#include "agent/status/ledger_json.h"

namespace outrider {
namespace {

using Kind = LocalRequest::Kind;

constexpr std::size_t kMostRows = 64;
constexpr std::size_t kMostLetters = 16;  // each is held with its payload

std::string stream_line(const Outbox& outbox, StreamIndex index) {
  const Outbox::StreamName& name = outbox.streams()[index];
  const Backlog backlog = outbox.backlog(index);
  JsonWriter json;
  json.text("vehicle_id", name.vehicle_id);
  json.text("channel", name_of(name.channel));
  json.text("epoch", outbox.epoch());
  json.integer("oldest", backlog.oldest);
  json.integer("newest", backlog.newest);
  json.count("rows", backlog.rows);
  json.count("bytes", backlog.bytes);
  write_ledger(json, outbox.ledger(index));
  write_causes(json, "causes", outbox.losses(index));
  return json.finish() + "\n";
}

std::string streams_page(const LocalRequest& request, const Outbox& outbox) {
  std::string page;
  for (auto at = static_cast<std::size_t>(request.from); at < outbox.streams().size(); ++at) {
    if (page.size() >= kAnswerBytes)
      return page + next_line({.kind = Kind::kStreams, .from = static_cast<std::int64_t>(at)});
    page += stream_line(outbox, static_cast<StreamIndex>(at));
  }
  return page + end_line();
}

std::string letter_line(const DeadLetter& letter, const Outbox& outbox) {
  const Outbox::StreamName& name = outbox.streams()[letter.stream];
  const RowTime time = wall_time(outbox.offsets(), letter.row.boot, letter.row.time);
  JsonWriter json;
  json.integer("id", letter.id);
  json.text("vehicle_id", name.vehicle_id);
  json.text("channel", name_of(name.channel));
  json.text("epoch", letter.epoch);
  json.integer("seq", letter.row.seq);
  json.text("time", iso_time(time.time));
  json.text("clock", name_of(time.quality));
  json.count("samples", letter.row.samples);
  json.count("bytes", letter.row.payload.size());
  json.text("reason", letter.reason);
  return json.finish() + "\n";
}

/// A row as a message of its own.
std::string published_line(const Row& row, const Outbox::StreamName& name, std::string_view epoch,
                           const Outbox& outbox, Layout layout) {
  MessageText message(name.vehicle_id, epoch);
  message.begin(message_format(row, name.channel, layout));
  add_row(message, row, outbox.offsets());
  return std::string(message.finish()) + "\n";
}

/// Dead letters, each as `line_of` writes it.
template <class LineOf>
std::string letters_page(const LocalRequest& request, Outbox& outbox, LineOf line_of) {
  std::string page;
  std::int64_t from = request.from;
  while (page.size() < kAnswerBytes) {
    const Result<std::vector<DeadLetter>> letters = outbox.dead_letters(from, kMostLetters);
    if (!letters) return error_line(letters.error().text);
    for (const DeadLetter& letter : *letters) page += line_of(letter);
    if (letters->size() < kMostLetters) return page + end_line();
    from = letters->back().id + 1;
  }
  return page + next_line({.kind = request.kind, .from = from});
}

std::string rows_page(const LocalRequest& request, Outbox& outbox, Layout layout) {
  std::string page;
  Sequence from = request.from;
  std::vector<Row> rows;
  for (StreamIndex stream = request.stream; stream < outbox.streams().size(); ++stream, from = 0) {
    while (true) {
      if (page.size() >= kAnswerBytes)
        return page + next_line({.kind = Kind::kRows, .from = from, .stream = stream});
      rows.clear();
      if (Status read = outbox.read(stream, from, kAnswerBytes - page.size(), kMostRows, rows); !read)
        return error_line(read.error().text);
      if (rows.empty()) break;
      for (const Row& row : rows)
        page += published_line(row, outbox.streams()[stream], outbox.epoch(), outbox, layout);
      from = rows.back().through + 1;
    }
  }
  return page + end_line();
}

std::string requeue(const LocalRequest& request, Outbox& outbox) {
  std::uint64_t requeued = 0;
  for (const std::int64_t id : request.ids) {
    Result<Sequence> done = outbox.requeue(id, drop_reported_losses);
    if (!done && outbox.staged_rows() > 0 && outbox.commit())
      done = outbox.requeue(id, drop_reported_losses);  // there may be room now
    if (!done)
      return error_line("dead letter " + std::to_string(id) + ": " + done.error().text + "; " +
                        std::to_string(requeued) + " before it were requeued");
    ++requeued;
  }
  // At once: whoever reads the answer may switch the device off.
  if (Status committed = outbox.commit(); !committed)
    return error_line("it is not written yet, the agent goes on trying: " + committed.error().text);
  JsonWriter json;
  json.count("requeued", requeued);
  return json.finish() + "\n" + end_line();
}

}  // namespace

std::string answer_buffer_request(const LocalRequest& request, Outbox& outbox, Layout layout) {
  switch (request.kind) {
    case Kind::kStreams:
      return streams_page(request, outbox);
    case Kind::kLetters:
      return letters_page(request, outbox, [&](const DeadLetter& each) { return letter_line(each, outbox); });
    case Kind::kDead:
      return letters_page(request, outbox, [&](const DeadLetter& each) {
        return published_line(each.row, outbox.streams()[each.stream], each.epoch, outbox, layout);
      });
    case Kind::kRows:
      return rows_page(request, outbox, layout);
    case Kind::kRequeue:
      return requeue(request, outbox);
    case Kind::kStatus:
    case Kind::kText:
    case Kind::kHealth:
      break;
  }
  return error_line("no agent is running, so there is nothing to say about it");
}

}  // namespace outrider
