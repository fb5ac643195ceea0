// SPDX-License-Identifier: Apache-2.0
#include "agent/command/salvage.h"

#include <filesystem>
#include <map>
#include <utility>

#include "agent/base/json_text.h"
#include "agent/base/log.h"
#include "agent/command/open_buffer.h"
#include "agent/store/damaged_buffer.h"

namespace outrider {
namespace {

struct Found {
  std::uint64_t rows = 0;
  std::uint64_t samples = 0;
  std::uint64_t numbers = 0;  ///< That the rows stand for: a gap record for many.
  Sequence first = 0;
  Sequence last = 0;

  void add(const Row& row) {
    ++rows;
    if (row.format != RowFormat::kGap) samples += row.samples;
    numbers += static_cast<std::uint64_t>(row.through - row.seq + 1);
    if (first == 0) first = row.seq;
    last = row.through;
  }
};

void print_stream(std::FILE* out, const Evidence::KnownStream& stream, const Found& found) {
  std::string line = "{\"vehicle_id\":";
  append_json_string(line, stream.vehicle_id);
  const Sequence newest = stream.counters ? std::max(stream.counters->newest, found.last) : found.last;
  const Sequence first = stream.counters ? stream.counters->acked + 1 : found.first;
  const auto wanted = static_cast<std::uint64_t>(newest >= first && first > 0 ? newest - first + 1 : 0);
  const auto add = [&line](const char* name, std::uint64_t value) {
    line += ",\"" + std::string(name) + "\":" + std::to_string(value);
  };
  line += std::string(",\"channel\":\"") + name_of(stream.channel) + "\"";
  add("readable_rows", found.rows);
  add("samples", found.samples);
  add("missing_rows", wanted > found.numbers ? wanted - found.numbers : 0);
  line += std::string(",\"counters\":") + (stream.counters ? "true" : "false");
  std::fprintf(out, "%s}\n", line.c_str());
}

Status print_readable(const std::string& path, std::FILE* out) {
  const auto damaged = DamagedBuffer::open(path);
  if (!damaged) return damaged.error();
  std::map<StreamIndex, Found> found;
  Status visited = (*damaged)->visit_rows([&](StreamIndex stream, const Row& row) {
    found[stream].add(row);
    return ok();
  });
  if (!visited) return visited;
  for (const auto& [id, stream] : (*damaged)->evidence().streams) print_stream(out, stream, found[id]);
  return ok();
}

/// Rows of another file on their way into the buffer. Its gap records stay behind: their losses were reported.
class Taker {
 public:
  Taker(DamagedBuffer& source, Outbox& outbox) : source_(source), outbox_(outbox) {}

  Status run() {
    for (const auto& [key, boot_id] : source_.boots()) boots_[key] = outbox_.boot(boot_id);
    for (OffsetEntry offset : source_.offsets()) {
      offset.boot = boot_of(offset.boot);
      outbox_.note_offset(offset);
    }
    Status taken =
        source_.visit_rows([this](StreamIndex stream, Row row) { return take(stream, std::move(row)); });
    return taken ? outbox_.commit() : taken;
  }

  std::uint64_t rows() const { return rows_; }
  std::uint64_t samples() const { return samples_; }

 private:
  std::uint32_t boot_of(std::uint32_t key) {
    const auto known = boots_.find(key);
    if (known != boots_.end()) return known->second;
    return boots_[key] = outbox_.boot("unknown " + std::to_string(key));
  }

  Status take(StreamIndex id, Row row) {
    if (row.format == RowFormat::kGap) return ok();
    const Evidence::KnownStream& name = source_.evidence().streams.at(id);
    const Result<StreamIndex> stream = outbox_.stream(name.vehicle_id, name.channel);
    if (!stream) return stream.error();
    row.boot = boot_of(row.boot);
    const std::uint32_t samples = row.samples;
    Result<Sequence> number = outbox_.append(*stream, row);
    if (!number) {  // the memory for rows that are not written yet is full
      if (Status written = outbox_.commit(); !written) return written;
      number = outbox_.append(*stream, std::move(row));
    }
    if (!number) return number.error();
    ++rows_;
    samples_ += samples;
    return ok();
  }

  DamagedBuffer& source_;
  Outbox& outbox_;
  std::map<std::uint32_t, std::uint32_t> boots_;  ///< Keys here by keys there.
  std::uint64_t rows_ = 0;
  std::uint64_t samples_ = 0;
};

Status take_file(const std::string& path, const Config& config, World& world, std::FILE* out) {
  const auto source = DamagedBuffer::open(path);
  if (!source) return source.error();
  BufferConfig buffer = config.buffer;
  std::error_code absent;
  const std::uintmax_t bytes = std::filesystem::file_size(path, absent);
  if (!absent)
    buffer.max_bytes += 2 * bytes;  // taking rows in never makes others go; the agent's limit may, later
  buffer.keep_in_memory.reset();
  const auto outbox = open_buffer(buffer, world);
  if (!outbox) return outbox.error();
  Taker taker(**source, **outbox);
  Status taken = taker.run();
  std::fprintf(out, "{\"taken_rows\":%llu,\"samples\":%llu}\n", static_cast<unsigned long long>(taker.rows()),
               static_cast<unsigned long long>(taker.samples()));
  return taken;
}

Status salvage_own(const Config& config, World& world, std::FILE* out) {
  const auto outbox = open_idle_buffer(config.buffer, world, LostBuffer{});
  if (!outbox) return outbox.error();
  const SalvageReport report = (*outbox)->salvage_report().value_or(SalvageReport());
  std::string line = "{\"set_aside\":";
  append_json_string(line, report.set_aside);
  line += ",\"saved_rows\":" + std::to_string(report.rows) +
          ",\"samples\":" + std::to_string(report.samples) +
          ",\"lost_rows\":" + std::to_string(report.lost_rows) +
          ",\"lost_samples\":" + std::to_string(report.lost_samples) +
          ",\"is_new_epoch\":" + (report.is_new_epoch ? "true" : "false");
  std::fprintf(out, "%s}\n", line.c_str());
  return ok();
}

}  // namespace

Status salvage_buffer(const BufferArguments& arguments, const Config& config, World& world, std::FILE* out) {
  const std::string own = config.buffer.directory + "/outrider.db";
  if (arguments.is_dry_run) return print_readable(arguments.file.empty() ? own : arguments.file, out);
  if (!arguments.file.empty()) return take_file(arguments.file, config, world, out);
  return salvage_own(config, world, out);
}

}  // namespace outrider
