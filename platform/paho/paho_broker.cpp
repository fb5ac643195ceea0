// SPDX-License-Identifier: Apache-2.0
#include "platform/paho/paho_broker.h"

#include <MQTTAsync.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "platform/paho/paho_connection.h"

namespace outrider {
namespace {

constexpr milliseconds kPoliteLimit{2000};

}  // namespace

PahoBroker::PahoBroker(Bell& bell, std::unique_ptr<SecureClient> secure)
    : events_(bell), secure_(std::move(secure)), worker_([this] { work(); }) {}

PahoBroker::~PahoBroker() {
  disconnect(false);
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

Status PahoBroker::connect(const ConnectRequest& request) {
  if (request.address.is_secure && !secure_) return reject("mqtts:// is not in this build");
  disconnect(false);
  ConnectRequest wanted = request;
  // Paho 1.3.12 does not follow the broker's Server Keep Alive (MQTT 5.0, 3.2.2.3.14), so the next attempt does.
  const bool is_same_broker = address_.text() == request.address.text();
  if (is_same_broker && limits_.server_keep_alive) {
    wanted.keep_alive = std::min(wanted.keep_alive, *limits_.server_keep_alive);
  }
  if (!is_same_broker) limits_ = {};
  address_ = request.address;
  connection_ =
      std::make_unique<PahoConnection>(events_.begin(), std::move(wanted), secure_.get(), events_, link_);
  enqueue({Job::Step::kStart, connection_.get(), nullptr});
  return ok();
}

void PahoBroker::disconnect(bool politely) {
  if (!connection_) return;
  events_.abandon();
  if (politely) {
    const std::uint64_t mine = enqueue({Job::Step::kEndPolitely, connection_.get(), nullptr});
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPoliteLimit, [this, mine] { return done_ >= mine; });
  }
  retire();
}

Status PahoBroker::publish(const Publication& publication) {
  if (!is_up_) return retry("not connected to a broker");
  return connection_->publish(publication, limits_);
}

void PahoBroker::take_events(std::vector<BrokerEvent>& events) {
  const auto first = static_cast<std::ptrdiff_t>(events.size());
  events_.take(events);
  for (auto each = events.begin() + first; each != events.end(); ++each) {
    if (each->kind == BrokerEvent::Kind::kConnected) {
      is_up_ = true;
      limits_ = each->limits;
    }
    // Now rather than at the next attempt, which would have to wait for it.
    if (each->kind == BrokerEvent::Kind::kLost || each->kind == BrokerEvent::Kind::kRefused) retire();
  }
}

void PahoBroker::set_passing(bool passing) { link_.set_passing(passing); }

void PahoBroker::retire() {
  link_
      .cut();  // now: when Paho itself gave up, it said DISCONNECT, and that must not reach a broker that comes back
  is_up_ = false;
  enqueue({Job::Step::kRetire, nullptr, std::move(connection_)});
}

std::uint64_t PahoBroker::enqueue(Job job) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    number = ++enqueued_;
  }
  changed_.notify_all();
  return number;
}

void PahoBroker::work() noexcept {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    if (job.step == Job::Step::kStart) job.connection->start();
    if (job.step == Job::Step::kEndPolitely) job.connection->end_politely(kPoliteLimit);
    job.retired.reset();
    lock.lock();
    ++done_;
    changed_.notify_all();
  }
}

std::string paho_version() {
  const auto part = [](unsigned shift) { return std::to_string(mqtt::VERSION >> shift & 0xFFU); };
  std::string version = "Paho MQTT C++ " + part(24) + "." + part(16) + "." + part(8);
  for (const MQTTAsync_nameValue* info = MQTTAsync_getVersionInfo(); info->name != nullptr; ++info) {
    if (std::strcmp(info->name, "Version") == 0) version += std::string(", Paho MQTT C ") + info->value;
  }
  return version;
}

}  // namespace outrider
