// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "agent/ports/clock.h"

namespace outrider {

/// A clock that moves when the test says so. Starts one hour after boot, synced, on 2026-11-22T10:00:00Z.
///
/// Threads  any, as for every clock.
class ManualClock final : public Clock {
 public:
  BootTime now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  TimeReference reference() const override {
    const std::lock_guard lock(mutex_);
    return reference_;
  }
  WallTime wall_now() const override {
    const std::lock_guard lock(mutex_);
    return WallTime(now_.time_since_epoch() + reference_.offset);
  }

  void advance(nanoseconds by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
  }
  void set_now(BootTime now) {
    const std::lock_guard lock(mutex_);
    now_ = now;
  }
  /// Steps the wall clock: NTP or GPS arrived.
  void set_offset(nanoseconds offset) {
    const std::lock_guard lock(mutex_);
    reference_.offset = offset;
  }
  void set_wall(WallTime wall) {
    const std::lock_guard lock(mutex_);
    reference_.offset = wall.time_since_epoch() - now_.time_since_epoch();
  }
  void set_synced(bool is_synced) {
    const std::lock_guard lock(mutex_);
    reference_.is_synced = is_synced;
  }
  /// Another boot: boot time begins again at `now`.
  void reboot(std::string boot_id, BootTime now = BootTime(seconds(1))) {
    const std::lock_guard lock(mutex_);
    reference_.boot_id = std::move(boot_id);
    reference_.offset += now_ - now;
    now_ = now;
  }

 private:
  static constexpr seconds kUptime{3600};
  static constexpr seconds kStart{1'795'341'600};  // 2026-11-22T10:00:00Z

  mutable std::mutex mutex_;
  BootTime now_{kUptime};                                           // guarded by mutex_
  TimeReference reference_{"manual-boot", kStart - kUptime, true};  // guarded by mutex_
};

}  // namespace outrider
