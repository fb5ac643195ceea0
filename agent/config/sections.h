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

TlsOptions read_tls(const JsonObject& publish, const FileContext& files);

/// The socket lies in the buffer's directory unless another one is named.
StatusConfig read_status(const JsonObject& top, const BufferConfig& buffer);

/// `name` as written, or below the configuration's directory.
std::string resolve_path(const std::string& name, const FileContext& files);

/// nullopt when `topic` is good as publish.topic for this vehicle, else what is wrong and what would be right.
std::optional<std::string> topic_problem(std::string_view topic, std::string_view vehicle_id);

}  // namespace outrider
