// SPDX-License-Identifier: Apache-2.0
#include "agent/command/drive.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "agent/agent.h"
#include "agent/base/json_text.h"
#include "agent/base/log.h"
#include "agent/base/quantity.h"
#include "agent/collector.h"
#include "agent/command/buffer_retry.h"
#include "agent/command/open_buffer.h"
#include "agent/command/progress.h"
#include "agent/config/broker_url.h"
#include "agent/decode/dbc.h"
#include "agent/secure/secret_file.h"

namespace outrider {
namespace {

/// Two full buses (16 000 frames a second) for two seconds: the longest stall of a commit that loses nothing.
constexpr std::size_t kInboxFrames = 32'768;
/// A turn starts when there is work and at the latest after this.
constexpr milliseconds kLongestTurn{50};

/// The loop of one trip with everything it owns; members are destroyed in the reverse order of their making.
class Journey {
 public:
  Journey(const Trip& trip, World& world, std::unique_ptr<Outbox> outbox)
      : trip_(trip),
        world_(world),
        outbox_(std::move(outbox)),
        broker_(world.make_broker()),
        told_(world.make_small_file(trip.config.buffer.directory + "/certificate_told")),
        inbox_(kInboxFrames),
        passes_(world.make_outages(trip.outages)),
        started_(trip.clock->now()),
        progress_line_(world.is_terminal, trip.is_quiet) {
    if (const StoreHealth store = outbox_->health(); store.is_in_memory)
      retry_.emplace(trip.config.buffer, world, store.last_error, started_);
  }

  Status prepare() {
    listen();
    if (Status made = make_agent(); !made) return made;
    for (const std::string& warning : plain_text_warnings(trip_.config.publish))
      log_warning("config", warning);
    for (const std::string& warning : profile_warnings(trip_.config.publish)) log_warning("config", warning);
    for (const std::string& warning : agent_->lanes().front().warnings()) log_warning("config", warning);
    return ok();
  }

  void listen() {
    requests_.reset();  // or the old one would be taken for another agent
    if (const std::string& socket = trip_.config.status.socket; !socket.empty())
      requests_ = world_.listen(socket);
  }

  Status make_agent() {
    auto password = read_password(trip_.config.publish.password_file);
    if (!password) return outrider::stop("publish.password_file: " + password.error().text);
    auto made = Agent::make(trip_.config, trip_.vehicle_ids, trip_.files, *password,
                            {.clock = *trip_.clock,
                             .can = *trip_.port,
                             .inbox = inbox_,
                             .outbox = *outbox_,
                             .broker = *broker_,
                             .requests = requests_.get(),
                             .told = told_.get()},
                            world_.random);
    if (!made) return made.error();
    agent_ = std::move(*made);
    return ok();
  }

  Status collect() {
    Status fed = ok();
    {
      Collector collector(*trip_.port, inbox_, *world_.bell);
      while (!*world_.stop) {
        const bool has_ended =
            collector.has_ended();  // asked first: what is in the inbox then is all there will be
        if (Status turned = turn(); !turned) return turned;
        if (has_ended) break;
        world_.bell->wait(kLongestTurn);
      }
      if (collector.has_ended()) fed = collector.failure();
    }
    // The collector has stopped: one more turn for what it received last.
    if (Status turned = turn(); !turned) return turned;
    if (Status stored = agent_->finish(); !stored) {
      if (stored.error().fault == Fault::kStop) return stored;
      log_error("store", stored.error().text);
    }
    return fed;
  }

  Status drain() {
    const BootTime last = trip_.clock->now() + trip_.drain;
    while (!*world_.stop && !agent_->is_drained() && trip_.clock->now() < last) {
      if (Status turned = turn(); !turned) return turned;
      world_.bell->wait(kLongestTurn);
    }
    if (trip_.drain > milliseconds(0) && !*world_.stop && !agent_->is_drained())
      log_warning("drain", "not everything was acknowledged within " + duration_text(trip_.drain) +
                               "; what waits is stored and goes out in the next run");
    return ok();
  }

  /// That go with the process.
  std::uint64_t unwritten_rows() const {
    std::uint64_t rows = outbox_->staged_rows();
    for (std::size_t i = 0; retry_ && i < outbox_->streams().size(); ++i)
      rows += outbox_->backlog(static_cast<StreamIndex>(i)).rows;
    return rows;
  }
  /// False after a buffer could not be replaced.
  bool has_agent() const { return agent_ != nullptr; }

  void stop() {
    broker_->set_passing(true);
    agent_->stop();
    progress_line_.end(elapsed(), agent_->progress());
  }

  const Agent& agent() const { return *agent_; }
  nanoseconds elapsed() const { return trip_.clock->now() - started_; }
  std::optional<nanoseconds> first_durable() const { return first_durable_; }

 private:
  Status turn() {
    const bool passes = passes_(elapsed());
    if (passes != is_passing_) {
      broker_->set_passing(passes);
      is_passing_ = passes;
      log_info("outage", passes ? "the link passes again" : "the link is cut");
    }
    Status turned = agent_->turn();
    if (!turned && outbox_->is_damaged()) turned = replace_buffer();
    if (turned && retry_) turned = try_a_file();
    if (!turned) return turned;
    // The event that says "started" is staged from the beginning, so nothing staged means that it is durable.
    if (!first_durable_ && !retry_ && outbox_->staged_rows() == 0)
      first_durable_ = trip_.clock->now() - world_.started;
    if (progress_line_.is_due(elapsed())) progress_line_.show(elapsed(), agent_->progress());
    return turned;
  }

  /// The buffer in memory goes into a file when one can be made.
  Status try_a_file() {
    std::unique_ptr<Outbox> file = retry_->try_again(*outbox_, trip_.clock->now());
    if (!file) return ok();
    const Agent::Handover handover = agent_->move_to(*file);
    log_info("store.memory", "the buffer is on the disk now, and " + std::to_string(handover.moved.rows) +
                                 " rows that waited in memory are in it");
    agent_.reset();
    outbox_ = std::move(file);
    retry_.reset();
    renew_ports();
    if (Status made = make_agent(); !made) return made;
    agent_->inherit(handover);
    return ok();
  }

  void renew_ports() {
    broker_ = world_.make_broker();  // a connection belongs to the rows that were sent over it
    broker_->set_passing(is_passing_);
    listen();  // the socket may have gone with its directory
  }

  /// Closes the damaged buffer and opens it anew, which salvages it. The collector goes on; the inbox holds what comes
  /// meanwhile. Storage that damages file after file is not to be written to for ever.
  Status replace_buffer() {
    constexpr std::size_t kMostInAnHour = 6;
    const BootTime now = trip_.clock->now();
    std::erase_if(replaced_at_, [&](BootTime then) { return now - then > std::chrono::hours(1); });
    if (replaced_at_.size() >= kMostInAnHour)
      return outrider::stop("the buffer in " + trip_.config.buffer.directory + " was damaged " +
                            std::to_string(kMostInAnHour) +
                            " times within an hour; check the storage device");
    replaced_at_.push_back(now);
    if (const Status stored = agent_->finish(); !stored) log_warning("store", stored.error().text);
    const std::vector<Agent::Unstored> unstored = agent_->unstored();
    const LostBuffer lost{.epoch = outbox_->epoch(), .attempt = ++replacements_};
    agent_.reset();
    outbox_.reset();
    auto opened = open_patiently(lost);
    if (!opened) return outrider::stop(opened.error().text);
    outbox_ = std::move(*opened);
    renew_ports();
    if (Status made = make_agent(); !made) return made;
    agent_->report_unstored(unstored);
    return ok();
  }

  /// Whoever removes a directory does so file by file, and may take away what was just made.
  Result<std::unique_ptr<Outbox>> open_patiently(const LostBuffer& lost) {
    constexpr seconds kPatience{5};
    constexpr milliseconds kBetween{100};
    const BootTime last = world_.clock->now() + kPatience;
    auto opened = open_buffer(trip_.config.buffer, world_, lost);
    while (!opened && opened.error().fault == Fault::kRetry && !*world_.stop && world_.clock->now() < last) {
      world_.bell->wait(kBetween);
      opened = open_buffer(trip_.config.buffer, world_, lost);
    }
    return opened;
  }

  const Trip& trip_;
  World& world_;
  std::unique_ptr<Outbox> outbox_;
  std::optional<BufferRetry> retry_;  // while the buffer is in memory only
  std::unique_ptr<Broker> broker_;
  const std::unique_ptr<SmallFile> told_;
  Inbox<CanFrame> inbox_;
  std::unique_ptr<RequestPort> requests_;
  std::unique_ptr<Agent> agent_;
  const std::function<bool(nanoseconds)> passes_;
  const BootTime started_;
  bool is_passing_ = true;
  std::optional<nanoseconds> first_durable_;  // since the start of the process
  ProgressLine progress_line_;
  std::vector<BootTime> replaced_at_;  // within the last hour
  std::uint64_t replacements_ = 0;
};

int explain(const Error& error, int code) {
  std::fprintf(stderr, "outrider: %s\n", error.text.c_str());
  return code;
}

Result<Dbc> load_file(const DbcSource& source) {
  auto parsed = load_dbc_source(source);
  if (parsed && !parsed->warnings.empty())
    log_warning("dbc", source.name + ": " + std::to_string(parsed->warnings.size()) +
                           " statements were skipped or repaired; \"outrider check\" lists them");
  return parsed;
}

/// The exit code, after the last words about what went wrong.
int verdict(const Status& went, const Journey& journey, bool expects_frames) {
  if (!went)
    return explain(went.error(), went.error().fault == Fault::kReject ? kExitBadInput : kExitCannotStart);
  if (const std::uint64_t rows = journey.unwritten_rows(); rows > 0)
    return explain(stop(std::to_string(rows) +
                        " rows could not be written to the buffer and are lost; is the disk full?"),
                   kExitNo);
  if (journey.agent().progress().frames == 0 && expects_frames)
    return explain(
        reject("there was not a single frame in the input; is it a log of \"candump -l\" or \"-L\", and "
               "are its interfaces those of the configuration?"),
        kExitBadInput);
  if (const Progress progress = journey.agent().progress(); progress.frames > 0 && progress.matched == 0)
    log_warning("input",
                "none of the frames is of a message that the configuration wants; "
                "do its DBC files belong to this bus?");
  return kExitFine;
}

}  // namespace

int drive(const Trip& trip, World& world) {
  set_log_level(trip.config.log_level);
  if (trip.config.clock.trusts_system_time) world.trust_system_time();
  auto outbox = open_first_buffer(trip.config.buffer, world);
  if (!outbox) return explain(outbox.error(), kExitCannotStart);
  Journey journey(trip, world, std::move(*outbox));
  if (const Status ready = journey.prepare(); !ready) return explain(ready.error(), kExitCannotStart);
  const Status collected = journey.collect();
  const Status drained = collected ? journey.drain() : ok();
  if (!journey.has_agent()) return explain((collected ? drained : collected).error(), kExitCannotStart);
  journey.stop();
  if (trip.summary) log_info("input", trip.summary());
  std::printf("%s\n", summary_json(journey.agent(), journey.elapsed(), journey.first_durable()).c_str());
  return verdict(collected ? drained : collected, journey, trip.is_log && !*world.stop);
}

Result<std::string> read_password(const std::string& path) {
  if (path.empty()) return std::string();
  const Result<std::string> place = secret_place(path, "the password file");
  if (!place) return outrider::stop(place.error().text);
  std::ifstream file(*place);
  std::string line;
  if (!std::getline(file, line)) return stop("cannot read a password from the first line of " + path);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

std::vector<std::string> plain_text_warnings(const PublishConfig& publish) {
  std::vector<std::string> warnings;
  for (std::size_t i = 0; i < publish.brokers.size(); ++i)
    if (const auto problem = plain_text_problem(publish.brokers[i], "keep publish.allow_plain_text"))
      warnings.push_back("publish.brokers[" + std::to_string(i) + "]: " + *problem);
  return warnings;
}

Result<Dbc> load_dbc_source(const DbcSource& source) {
  return source.path.empty() ? parse_dbc(source.builtin, source.name) : load_dbc(source.path);
}

Result<BusFiles> load_bus_files(const Config& config) {
  std::map<std::string, std::shared_ptr<const Dbc>> loaded;
  BusFiles files;
  for (const BusConfig& bus : config.buses) {
    auto& of_bus = files.emplace_back();
    for (const DbcSource& source : bus.dbc) {
      std::shared_ptr<const Dbc>& file = loaded[source.path.empty() ? source.name : source.path];
      if (!file) {
        auto parsed = load_file(source);
        if (!parsed) return parsed.error();
        file = std::make_shared<const Dbc>(std::move(*parsed));
      }
      of_bus.push_back(file);
    }
  }
  return files;
}

}  // namespace outrider
