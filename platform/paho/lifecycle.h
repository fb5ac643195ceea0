// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

namespace outrider {

/// Held while a Paho client is created and told to connect, and while one is destroyed; never in a callback.
///
/// Paho C has two threads for the whole process. They stop with the last client, and a client that connects while they
/// are stopping finds them "running" and then waits for ever (MQTTAsync_stop gives up Paho's own lock while it waits).
inline std::mutex& paho_lifecycle() {
  static std::mutex mutex;  // as process-wide as the threads it protects
  return mutex;
}

}  // namespace outrider
