// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/base/time.h"
#include "agent/ports/tls_options.h"
#include "agent/secure/key_maker.h"

namespace outrider {

/// Exit codes of every command, documented in --help.
enum ExitCode : int {
  kExitFine = 0,
  kExitNo = 1,          ///< The command worked; the answer is no (a check failed, a promise was broken).
  kExitUsage = 2,       ///< Wrong arguments.
  kExitBadInput = 3,    ///< Bad configuration or input file.
  kExitCannotStart = 4  ///< The world does not allow it: no such interface, directory not writable.
};

/// "20s@30s": the link is cut for `length`, starting `start` after the beginning.
struct Outage {
  milliseconds start{};
  milliseconds length{};
};

struct ConfigArguments {
  std::string config;                  ///< Path, or "builtin:simulator".
  std::vector<std::string> overrides;  ///< path.to.key=value, also made from --broker and --state.
};

/// What run, simulate and replay share.
struct AgentArguments : ConfigArguments {
  bool is_quiet = false;  ///< No progress line.
};

struct RunArguments : AgentArguments {
  std::string input = "-";  ///< Where frames come from: "-" is candump lines on standard input.
  milliseconds drain{10'000};
};

struct SimulateArguments : AgentArguments {
  int vehicles = 1;
  std::optional<milliseconds> length;  ///< Until stopped when absent.
  std::vector<Outage> outages;
  milliseconds drain{0};  ///< After the end: wait at most this long until nothing waits any more.
};

struct ReplayArguments : AgentArguments {
  std::string log;                 ///< Path, or "-" for standard input.
  std::optional<double> speed{1};  ///< Absent: as fast as possible.
  std::vector<Outage> outages;
  milliseconds drain{0};
};

struct VerifyArguments {
  std::string broker;
  std::string topic = "outrider/#";
  std::optional<milliseconds> length;  ///< Until stopped when absent.
  std::optional<milliseconds> idle;    ///< Ends when nothing arrived for this long.
  std::string username;
  std::string password_file;
  std::string client_id;
  TlsOptions tls;
  bool allows_plain_text = false;
  bool is_from_start = false;  ///< A stream that does not begin with number 1 has a gap.
  bool is_mqtt311 = false;
  bool is_quiet = false;
};

struct DecodeArguments {
  std::vector<std::string> dbc;
  std::string log = "-";
  bool is_strict = false;         ///< A DBC with any warning is refused.
  std::string matching = "auto";  ///< auto, exact, pgn
};

struct CheckArguments {
  std::string config;
  std::vector<std::string> overrides;
  bool is_strict = false;
};

/// The configuration says where the agent listens.
struct StatusArguments : ConfigArguments {
  bool is_json = false;
  bool asks_health = false;      ///< Only whether data flows, as exit code and one sentence.
  milliseconds within{600'000};  ///< Silence of bus or broker for longer than this is not healthy.
};

struct BufferArguments : ConfigArguments {
  enum class Action : std::uint8_t { kList, kExport, kRequeue, kSalvage };
  Action action = Action::kList;
  bool is_dead = false;  ///< The dead letters instead of what waits.
  bool is_json = false;
  bool is_all = false;  ///< Requeue every dead letter, not `ids`.
  std::vector<std::int64_t> ids;
  bool is_dry_run = false;  ///< Salvage: say what can be read, change nothing.
  std::string file;         ///< Salvage: take the rows of this file; empty: salvage the buffer itself.
};

struct KeyArguments : ConfigArguments {  ///< Without a configuration unless one is given.
  enum class Action : std::uint8_t { kGenerate, kRequest, kShow };
  Action action = Action::kShow;
  KeyType type = KeyType::kEcP256;
  std::string out;  ///< New file; empty: standard output (a request only).
  std::string key;
  std::string subject;
  std::vector<std::string> names;  ///< "DNS:truck-17"
  std::vector<std::string> files;
  bool is_json = false;
};

struct VersionArguments {};

using Arguments =
    std::variant<RunArguments, SimulateArguments, ReplayArguments, VerifyArguments, DecodeArguments,
                 CheckArguments, StatusArguments, BufferArguments, KeyArguments, VersionArguments>;

/// Arguments, or the exit code after --help or an error has been printed.
std::variant<Arguments, int> parse_arguments(int argc, const char* const* argv);

}  // namespace outrider
