// SPDX-License-Identifier: Apache-2.0
#include "agent/command/open_buffer.h"

#include <algorithm>
#include <filesystem>

#include "agent/store/epoch.h"

namespace outrider {
namespace {

std::string database_of(const BufferConfig& buffer) { return buffer.directory + "/outrider.db"; }

/// Of a check after an unclean stop: frames of a busy bus wait no longer than this.
constexpr seconds kLongestCheck{5};

std::uint64_t counter_of(const std::string& epoch) {
  const std::optional<Epoch> parsed = parse_epoch(epoch);
  return parsed ? parsed->counter : 0;
}

std::uint64_t size_of(const std::string& path) {
  std::error_code absent;
  const std::uintmax_t bytes = std::filesystem::file_size(path, absent);
  return absent ? 0 : bytes;
}

Result<std::unique_ptr<Outbox>> open(const BufferConfig& buffer, World& world,
                                     const std::optional<LostBuffer>& lost, bool is_visit) {
  std::error_code error;
  std::filesystem::create_directories(buffer.directory, error);
  if (error)
    return stop("cannot make the directory " + buffer.directory + " (" + error.message() +
                "); choose another with --state DIR");
  const auto epoch_file = world.make_small_file(buffer.directory + "/epoch");
  return Outbox::open(
      {.path = database_of(buffer),
       .max_bytes = buffer.max_bytes,
       .min_free_disk = buffer.min_free_disk,
       .commit_interval = buffer.commit_interval,
       .max_staged_bytes = buffer.max_staged_bytes,
       .memory_window = buffer.keep_in_memory.value_or(milliseconds(0)),
       .random = world.random + (lost ? lost->attempt : 0),
       .is_visit = is_visit,
       .least_epoch = lost ? counter_of(lost->epoch) : 0,
       .is_known_damaged = lost.has_value(),
       .may_check_on = [&clock = *world.clock,
                        end = world.clock->now() + kLongestCheck] { return clock.now() < end; }},
      *epoch_file);
}

}  // namespace

Result<std::unique_ptr<Outbox>> open_buffer(const BufferConfig& buffer, World& world,
                                            const std::optional<LostBuffer>& lost) {
  return open(buffer, world, lost, /*is_visit=*/false);
}

Result<std::unique_ptr<Outbox>> open_idle_buffer(BufferConfig buffer, World& world,
                                                 const std::optional<LostBuffer>& lost) {
  const std::string path = database_of(buffer);
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return reject("there is no buffer in " + buffer.directory +
                  "; give --config or --state of the agent whose buffer is meant");
  constexpr std::uint64_t kRoom = 16ULL << 20;
  buffer.max_bytes = std::max(buffer.max_bytes, size_of(path) + size_of(path + "-wal") + kRoom);
  buffer.keep_in_memory.reset();
  return open(buffer, world, lost, /*is_visit=*/true);
}

}  // namespace outrider
