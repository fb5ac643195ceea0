// SPDX-License-Identifier: Apache-2.0
#include "agent/config/keys.h"

#include <algorithm>
#include <array>

#include "agent/base/ensure.h"

namespace outrider {
namespace {

using Key = std::string_view;

constexpr std::array kTop{Key{"$schema"}, Key{"vehicle_id"}, Key{"buses"},     Key{"signals"}, Key{"buffer"},
                          Key{"publish"}, Key{"status"},     Key{"simulator"}, Key{"clock"},   Key{"log"}};
constexpr std::array kBus{Key{"name"}, Key{"dbc"}, Key{"match"}};
constexpr std::array kSignal{Key{"message"}, Key{"signal"},         Key{"as"},       Key{"unit"},
                             Key{"period"},  Key{"on_change"},      Key{"deadband"}, Key{"min_interval"},
                             Key{"valid"},   Key{"source_address"}, Key{"drop"}};
constexpr std::array kBuffer{Key{"directory"},       Key{"max_bytes"},       Key{"max_age"},
                             Key{"min_free_disk"},   Key{"commit_interval"}, Key{"keep_in_memory"},
                             Key{"max_staged_bytes"}};
constexpr std::array kPublish{Key{"brokers"},
                              Key{"allow_plain_text"},
                              Key{"tls"},
                              Key{"mqtt"},
                              Key{"client_id"},
                              Key{"username"},
                              Key{"password_file"},
                              Key{"topic"},
                              Key{"layout"},
                              Key{"max_message"},
                              Key{"max_in_flight"},
                              Key{"max_messages_per_second"},
                              Key{"max_bytes_per_second"},
                              Key{"keep_alive"},
                              Key{"connect_timeout"},
                              Key{"ack_timeout"},
                              Key{"backoff"},
                              Key{"stable_after"}};
constexpr std::array kTls{Key{"ca"},          Key{"crl"},  Key{"certificate"},    Key{"key"},
                          Key{"server_name"}, Key{"alpn"}, Key{"minimum_version"}};
constexpr std::array kBackoff{Key{"base"}, Key{"cap"}};
constexpr std::array kStatus{Key{"socket"}};
constexpr std::array kSimulator{Key{"model"}, Key{"seed"}};
constexpr std::array kClock{Key{"trust_system_time"}};
constexpr std::array kLog{Key{"level"}};

constexpr std::array kObjects{ConfigObject{"", kTop},
                              ConfigObject{"buses[]", kBus},
                              ConfigObject{"signals[]", kSignal},
                              ConfigObject{"buffer", kBuffer},
                              ConfigObject{"publish", kPublish},
                              ConfigObject{"publish.tls", kTls},
                              ConfigObject{"publish.backoff", kBackoff},
                              ConfigObject{"status", kStatus},
                              ConfigObject{"simulator", kSimulator},
                              ConfigObject{"clock", kClock},
                              ConfigObject{"log", kLog}};

}  // namespace

std::span<const ConfigObject> config_objects() { return kObjects; }

const ConfigObject& config_object(std::string_view path) {
  const auto found = std::find_if(kObjects.begin(), kObjects.end(),
                                  [&](const ConfigObject& object) { return object.path == path; });
  ENSURE(found != kObjects.end());
  return *found;
}

}  // namespace outrider
