// SPDX-License-Identifier: Apache-2.0
#include "agent/lane.h"

#include <algorithm>

#include "agent/base/json_text.h"
#include "agent/base/log.h"
#include "agent/publish/row_text.h"
#include "agent/publish/status_document.h"

namespace outrider {
namespace {

/// Small enough that several rows share a message and a lost page costs little, large enough that SQLite's and JSON's
/// overhead per row does not show.
constexpr std::size_t kMostRowBytes = 32 << 10;

std::vector<Decoder> make_decoders(const Config& config, const BusFiles& files) {
  const auto is_wanted = [&](const DbcMessage& message, const DbcSignal& signal) {
    return Selection::is_wanted(config.signals, message, signal);
  };
  std::vector<Decoder> decoders;
  for (std::size_t bus = 0; bus < config.buses.size(); ++bus)
    decoders.emplace_back(files[bus], config.buses[bus].matching, is_wanted);
  return decoders;
}

std::size_t json_bytes(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json.size();
}

std::vector<std::string> bus_names_of(const Config& config) {
  std::vector<std::string> names;
  for (const BusConfig& bus : config.buses) names.push_back(bus.name);
  return names;
}

std::vector<Selection::Bus> buses_of(const Config& config, const std::vector<Decoder>& decoders) {
  std::vector<Selection::Bus> buses;
  for (std::size_t bus = 0; bus < decoders.size(); ++bus)
    buses.push_back({config.buses[bus].name, &decoders[bus]});
  return buses;
}

}  // namespace

Lane::Lane(std::string vehicle_id, const Config& config, const BusFiles& files, Outbox& outbox,
           Streams streams)
    : vehicle_id_(std::move(vehicle_id)),
      bus_names_(bus_names_of(config)),
      row_length_(config.buffer.commit_interval),
      outbox_(outbox),
      streams_(streams),
      decoders_(make_decoders(config, files)),
      not_finite_seen_(decoders_.size()),
      selection_(std::make_unique<Selection>(config.signals, buses_of(config, decoders_))),
      row_(config.publish.layout, std::min<std::size_t>(kMostRowBytes, config.publish.max_message / 2),
           record_frame_bytes(json_bytes(vehicle_id_))) {}

void Lane::begin_turn(std::uint32_t boot, BootTime now) {
  boot_ = boot;
  now_ = now;
}

void Lane::take(std::size_t bus, const CanFrame& frame) {
  if (!row_.is_empty()) {
    // A bus never goes back, but a log may be two that were glued together: that ends a row, too.
    const nanoseconds age = frame.time - row_.opened_at();
    if (age >= row_length_ || age <= -row_length_) end_row(row_.opened_at() + row_length_);
  }
  if (!is_silent_ && frame.time - last_frame_ >= row_length_) finish();
  last_frame_ = frame.time;
  has_heard_ = true;
  heard_at_ = now_;
  is_silent_ = false;

  const DecodedFrame decoded = decoders_[bus].decode(frame);
  if (decoded.message < 0) return;
  samples_.clear();
  selection_->select(bus, decoded, frame.time, samples_);
  if (!samples_.empty()) add(samples_);
}

void Lane::add(const std::vector<Sample>& samples) {
  if (selection_->series().size() != known_series_) {
    row_.know(selection_->series());
    known_series_ = selection_->series().size();
    catalogue_.clear();
  }
  for (const Sample& sample : samples) {
    if (row_.add(sample)) continue;
    store_row();
    row_.add(sample);
  }
}

void Lane::end_row(BootTime until) {
  late_.clear();
  selection_->flush_pending(until, late_);
  add(late_);
  store_row();
}

void Lane::finish() {
  end_row(BootTime::max());
  collect_invalid();
  if (!losses_.empty()) append(row_.build_losses(losses_, has_heard_ ? last_frame_ : now_));
  is_silent_ = true;
}

void Lane::end_turn() {
  if (!is_silent_ && now_ - heard_at_ >= row_length_) finish();
  if (now_ - reported_at_ < row_length_) return;
  reported_at_ = now_;
  collect_invalid();
  if (!losses_.empty() && row_.is_empty())
    append(row_.build_losses(losses_, has_heard_ ? last_frame_ : now_));
}

void Lane::store_row() {
  if (row_.is_empty()) return;
  collect_invalid();
  std::string named;
  if (catalogue_.empty()) named = catalogue_ = catalogue_digest(selection_->series());
  append(row_.build(losses_, named));
}

void Lane::append(Row row) {
  row.boot = boot_;
  reported_at_ = now_;
  const std::uint64_t samples = row.samples;
  const std::uint64_t bytes = row.payload.size();
  if (const auto stored = outbox_.append(streams_.telemetry, std::move(row), losses_); stored) {
    losses_.clear();
    stored_bytes_ += bytes;
  } else {
    count_loss("buffer_full", samples);
    catalogue_.clear();  // the row that named it is gone
    outbox_.note_given_up(stored.error().text);
  }
}

void Lane::store_event(std::string_view members, std::uint32_t boot, BootTime time) {
  Row row{.format = RowFormat::kEventJson,
          .samples = 0,
          .boot = boot,
          .time = time,
          .payload = std::string(members)};
  if (const auto stored = outbox_.append(streams_.events, std::move(row)); !stored) {
    outbox_.note_given_up("an event is lost: " + stored.error().text);
    count_loss("events.buffer_full", 1);
  }
}

void Lane::count_loss(std::string_view cause, std::uint64_t count) {
  outrider::count_loss(losses_, cause, count);
}

/// Wanted signals that held no number. Those that a short frame did not carry were not lost: nobody sent them.
void Lane::collect_not_finite() {
  for (std::size_t bus = 0; bus < decoders_.size(); ++bus) {
    const std::uint64_t now = decoders_[bus].counters().not_finite;
    count_loss(bus_names_[bus] + ".not_finite", now - not_finite_seen_[bus]);
    not_finite_seen_[bus] = now;
  }
}

void Lane::collect_invalid() {
  selection_->take_invalid(
      [this](const std::string& name, std::uint64_t count) { count_loss(name + ".invalid", count); });
  count_loss("series.limit", selection_->take_untracked());
  collect_not_finite();
}

}  // namespace outrider
