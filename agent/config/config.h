// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/backoff.h"
#include "agent/base/log.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/ports/broker.h"

namespace outrider {

/// How payloads are laid out; design: rows and messages.
enum class Layout : std::uint8_t {
  kColumns,  ///< One object per row, a time and a value array per signal: the fewest bytes.
  kRecords,  ///< One flat object per instant: what Spark, Kinesis and Timestream read without unpacking.
};

/// How the ids of a bus are matched to DBC messages.
enum class IdMatching : std::uint8_t {
  kAuto,   ///< By what each DBC file says (VFrameFormat, ProtocolType, placeholder source addresses).
  kExact,  ///< The whole identifier.
  kPgn,    ///< 29-bit ids by J1939 parameter group, the source address kept as a tag.
};

struct DbcSource {
  std::string name;     ///< As written in the configuration; for messages.
  std::string path;     ///< Absolute, or relative to the working directory; empty when built in.
  std::string builtin;  ///< Text of a file that came with the program (the simulator's), else empty.
};

struct BusConfig {
  std::string name;  ///< "can0": the interface, or the name in a log.
  std::vector<DbcSource> dbc;
  IdMatching matching = IdMatching::kAuto;
};

/// Which samples of which signals are kept. The first rule that matches a signal decides.
struct SignalRule {
  std::string message = "*";  ///< Glob over the DBC message name: '*' any run, '?' any one character.
  std::string signal = "*";   ///< Glob over the DBC signal name.
  bool is_dropped = false;    ///< The matching signals are not wanted.
  /// Published name, different for each rule; the rule matches one signal name.
  std::optional<std::string> as = {};
  std::optional<std::string> unit = {};     ///< Overrides the DBC's unit text; no conversion.
  std::optional<milliseconds> period = {};  ///< Keep a sample this often even when the value stays.
  bool is_on_change = true;                 ///< Keep a sample when the value left the deadband.
  double deadband = 0;                      ///< In the signal's unit; 0: any change.
  milliseconds min_interval{100};  ///< Changes closer together than this wait; the last one is never lost.
  /// Values outside are counted and reported as invalid, not published.
  std::optional<double> valid_min = {};
  std::optional<double> valid_max = {};
  /// J1939: only this sender, and the name needs no "@SA" tag.
  std::optional<std::uint8_t> source_address = {};
  std::string path = {};  ///< JSON path of this rule, for later messages ("signals[3]").
};

struct BufferConfig {
  std::string directory = "/var/lib/outrider";
  std::uint64_t max_bytes = 256ULL << 20;  ///< Of the database file and its log.
  /// Rows that wait longer are let go, and reported; absent: only when there is no room.
  std::optional<milliseconds> max_age = {};
  /// What the file system keeps free; absent: 2 % of it, at most 64 MiB.
  std::optional<std::uint64_t> min_free_disk = {};
  milliseconds commit_interval{500};  ///< What a power cut may cost.
  /// While the link is live rows wait for their acknowledgement in memory, this long at most; absent: on the disk.
  std::optional<milliseconds> keep_in_memory = {};
  /// Memory for rows that could not be written yet (disk full).
  std::uint64_t max_staged_bytes = 1ULL << 20;
};

struct PublishConfig {
  std::vector<BrokerAddress> brokers;  ///< Walked in order.
  bool allows_plain_text = false;      ///< mqtt:// may leave this machine.
  TlsOptions tls;                      ///< For mqtts://.
  MqttVersion version = MqttVersion::k5;
  std::string client_id;  ///< Default: "outrider-" and the vehicle id.
  std::string username;
  std::string password_file;                              ///< First line is the password.
  std::string topic = "outrider/{vehicle_id}/{channel}";  ///< channel: telemetry, events, status.
  Layout layout = Layout::kColumns;
  std::uint32_t max_message = 64 << 10;  ///< Bytes of payload when catching up.
  std::uint32_t max_in_flight = 64;
  std::optional<std::uint32_t> max_messages_per_second;  ///< Absent: as fast as the broker takes them.
  std::optional<std::uint64_t> max_bytes_per_second;     ///< Of topic and payload.
  seconds keep_alive{30};
  milliseconds connect_timeout{20'000};
  milliseconds ack_timeout{
      30'000};  ///< No acknowledgement for this long with messages in flight: the link is dead.
  BackoffLimits backoff;
  milliseconds stable_after{30'000};  ///< The backoff starts over after this long connected.
};

struct StatusConfig {
  std::string socket;  ///< Unix socket for questions to the running agent; empty: none.
};

enum class ModelKind : std::uint8_t { kVehicle, kMachine };

struct SimulatorConfig {
  ModelKind model = ModelKind::kVehicle;
  std::uint64_t seed = 1;
};

struct ClockConfig {
  bool trusts_system_time = false;  ///< A plausible date is right, whether or not the kernel says so.
};

/// Everything the agent was told, validated. Every limit has a default and a range.
struct Config {
  std::string vehicle_id;
  std::vector<BusConfig> buses;
  std::vector<SignalRule>
      signals;  ///< Never empty: without any, all signals on change, at most 10 per second.
  BufferConfig buffer;
  PublishConfig publish;
  StatusConfig status;
  SimulatorConfig simulator;
  ClockConfig clock;
  LogLevel log_level = LogLevel::kInfo;
};

/// One "path.to.key=value" of the command line; the value is JSON, or else taken as a string.
using Override = std::string;

/// Reads a configuration file: JSON with // and /* */ comments.
///
/// Shape    `path` "builtin:simulator" is the one that came with the program. Relative file names inside are relative
///          to the file, except buffer.directory: it is relative to the working directory. `overrides` are applied
///          before validation, so they get the same messages.
/// Errors   kReject with all problems found, one a line: "file:line: path: what is wrong; what would be right", or
///          "file:line:column: …" where the JSON itself is broken. Whether the named files exist is not looked at.
Result<Config> load_config(const std::string& path, const std::vector<Override>& overrides);

/// The same from text; `name` stands for the file in messages, `directory` is what relative names are relative to
/// (empty: the working directory).
Result<Config> parse_config(std::string_view text, const std::string& name, const std::string& directory,
                            const std::vector<Override>& overrides);

/// Files that came with the program: "simulator.json", "outrider_vehicle.dbc", "outrider_machine.dbc".
std::optional<std::string_view> builtin_file(std::string_view name);

}  // namespace outrider
