// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/json_reader.h"

namespace outrider {

/// One function per part of a configuration. Each reports what is wrong and leaves that value at its default.

/// What relative file names are relative to: a directory, or kBuiltinDirectory.
struct FileContext {
  std::string directory;
};
/// Inside the configuration that came with the program, plain names are files that came with it too.
inline constexpr std::string_view kBuiltinDirectory = "builtin:";

std::vector<BusConfig> read_buses(const JsonObject& top, const FileContext& files);
/// Never empty: without any rule, one that keeps all signals on change.
std::vector<SignalRule> read_signals(const JsonObject& top);
/// `vehicle_id` is checked already; empty when it was wrong.
PublishConfig read_publish(const JsonObject& top, const std::string& vehicle_id, const FileContext& files);

/// The profile's part of read_publish; `object` is "publish". It sets what the object leaves open: first limits, before
/// they are read, then what is made of the brokers' host and the client id, after these were.
const BrokerProfile& read_profile(const JsonObject& top);
void preset_limits(const JsonObject& object, PublishConfig& publish);
void preset_names(const JsonObject& object, PublishConfig& publish);
/// Reports what contradicts it.
void hold_to_profile(const JsonObject& object, const std::string& vehicle_id, const PublishConfig& publish);
/// `address` once for each port that its service has, unless the URL named one.
std::vector<BrokerAddress> expand_ports(const BrokerAddress& address, bool has_port,
                                        const PublishConfig& publish);

TlsOptions read_tls(const JsonObject& publish, const FileContext& files);

/// The socket lies in the buffer's directory unless another one is named.
StatusConfig read_status(const JsonObject& top, const BufferConfig& buffer);

/// `name` as written, or below the configuration's directory.
std::string resolve_path(const std::string& name, const FileContext& files);

/// `text` with `value` in the place of every `placeholder`.
std::string expand(std::string text, std::string_view placeholder, std::string_view value);

/// nullopt when `topic` is good as publish.topic for this vehicle, else what is wrong and what would be right.
std::optional<std::string> topic_problem(std::string_view topic, std::string_view vehicle_id);

}  // namespace outrider
