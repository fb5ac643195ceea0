// SPDX-License-Identifier: Apache-2.0
#include "agent/command/arguments.h"

#include <CLI/CLI.hpp>
#include <cmath>

#include "agent/base/json_text.h"
#include "agent/base/quantity.h"

namespace outrider {
namespace {

constexpr const char* kAbout =
    "Outrider samples CAN and sensors, keeps every sample until the cloud has it, and publishes in order per "
    "vehicle.";
constexpr const char* kExitCodes =
    "Exit codes: 0 fine; 1 the answer is no; 2 wrong usage; 3 bad configuration or input; 4 cannot start.\n"
    "Machine-readable output is on standard output, everything for people on standard error.\n"
    "\"outrider COMMAND --help\" tells more about a command.";

std::string quoted(const std::string& text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

milliseconds duration_or_throw(const std::string& text) {
  const auto parsed = parse_duration(text);
  if (!parsed) throw CLI::ValidationError(parsed.error().text);
  return *parsed;
}

/// "20s@30s": length, then start.
Outage outage_or_throw(const std::string& text) {
  const std::size_t at = text.find('@');
  if (at == std::string::npos)
    throw CLI::ValidationError("\"" + text + "\" is not an outage; write LENGTH@START, such as 20s@30s");
  return {.start = duration_or_throw(text.substr(at + 1)), .length = duration_or_throw(text.substr(0, at))};
}

/// Options that become overrides of the configuration, so that they are checked as strictly as the file.
void add_config_options(CLI::App& command, ConfigArguments& to, const std::string& default_config) {
  to.config = default_config;
  auto* config = command.add_option("-c,--config", to.config, "Configuration file (JSON with comments)");
  if (default_config.empty())
    config->required();
  else
    config->capture_default_str();
  command.add_option_function<std::string>(
      "--state", [&to](const std::string& dir) { to.overrides.push_back("buffer.directory=" + quoted(dir)); },
      "Directory of the buffer");
  command
      .add_option_function<std::vector<std::string>>(
          "--set",
          [&to](const std::vector<std::string>& all) {
            to.overrides.insert(to.overrides.end(), all.begin(), all.end());
          },
          "Override one value: path.to.key=value, such as publish.layout=records")
      ->take_all()
      ->allow_extra_args(false);
}

void add_agent_options(CLI::App& command, AgentArguments& to, const std::string& default_config) {
  add_config_options(command, to, default_config);
  command.add_option_function<std::string>(
      "-b,--broker",
      [&to](const std::string& url) { to.overrides.push_back("publish.brokers=[" + quoted(url) + "]"); },
      "Broker to publish to, such as mqtt://127.0.0.1:1883 or mqtts://broker.example");
  command.add_flag("-q,--quiet", to.is_quiet, "No progress line");
}

void add_link_options(CLI::App& command, std::vector<Outage>& outages, milliseconds& drain) {
  command
      .add_option_function<std::vector<std::string>>(
          "--outage",
          [&outages](const std::vector<std::string>& all) {
            for (const std::string& text : all) outages.push_back(outage_or_throw(text));
          },
          "Cut the link as a tunnel would: LENGTH@START, such as 20s@30s; may be given again")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option_function<std::string>(
      "--drain", [&drain](const std::string& text) { drain = duration_or_throw(text); },
      "At the end wait this long for everything to be acknowledged [default: 0s]");
}

template <class Struct>
using Chosen = std::pair<CLI::App*, Struct>;

void add_run(CLI::App& app, Chosen<RunArguments>& run) {
  run.first = app.add_subcommand("run", "The agent, on live frames");
  run.first->footer(
      "Frames come from candump in this version:\n"
      "  candump -L can0 | outrider run --config vehicle.json --broker mqtts://broker.example");
  add_agent_options(*run.first, run.second, "");
  run.first->add_option("--input", run.second.input, "candump -L lines; \"-\" is standard input")
      ->capture_default_str();
  run.first->add_option_function<std::string>(
      "--drain", [&run](const std::string& text) { run.second.drain = duration_or_throw(text); },
      "When the input ends, wait this long for everything to be acknowledged [default: 10s]");
}

void add_simulate(CLI::App& app, Chosen<SimulateArguments>& simulate) {
  simulate.first =
      app.add_subcommand("simulate", "The agent on simulated vehicles: the same pipeline, no hardware");
  simulate.first->footer("Example: outrider simulate --vehicles 3 --seconds 60 --outage 20s@20s --drain 30s");
  add_agent_options(*simulate.first, simulate.second, "builtin:simulator");
  simulate.first->add_option("-n,--vehicles", simulate.second.vehicles, "How many vehicles drive")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  simulate.first
      ->add_option_function<double>(
          "-s,--seconds",
          [&simulate](double length) {
            if (!std::isfinite(length)) throw CLI::ValidationError("--seconds: not a number of seconds");
            simulate.second.length = milliseconds(static_cast<std::int64_t>(length * 1000));
          },
          "How long they drive [default: until stopped]")
      ->check(CLI::Range(0.001, 1e9));
  add_link_options(*simulate.first, simulate.second.outages, simulate.second.drain);
}

void add_replay(CLI::App& app, Chosen<ReplayArguments>& replay) {
  replay.first = app.add_subcommand("replay", "The agent fed from a candump log");
  add_agent_options(*replay.first, replay.second, "");
  replay.first
      ->add_option("LOG", replay.second.log,
                   "Log as \"candump -l\" or \"-L\" writes it; \"-\" is standard input")
      ->required();
  replay.first->add_option_function<std::string>(
      "--speed",
      [&replay](const std::string& text) {
        replay.second.speed.reset();
        double factor = 0;
        if (text == "max") return;
        if (!CLI::detail::lexical_cast(text, factor) || !(factor > 0))
          throw CLI::ValidationError("--speed: \"" + text + "\" is neither a factor above 0 nor \"max\"");
        replay.second.speed = factor;
      },
      "1 is as recorded, 10 ten times as fast, \"max\" as fast as possible [default: 1]");
  add_link_options(*replay.first, replay.second.outages, replay.second.drain);
}

/// The same as publish.tls of a configuration, for a command that has none.
void add_tls_options(CLI::App& command, TlsOptions& to) {
  command.add_option("--tls-ca", to.ca, "CA file or directory for mqtts:// [default: those of the system]");
  command.add_option("--tls-crl", to.crl, "File with lists of revoked certificates");
  auto* certificate = command.add_option("--tls-certificate", to.certificate, "File with our certificate");
  auto* key = command.add_option("--tls-key", to.key, "File with its private key, open to nobody else");
  certificate->needs(key);
  key->needs(certificate);
  command.add_option("--tls-server-name", to.server_name,
                     "Name in the broker's certificate [default: the host]");
  command.add_option("--tls-alpn", to.alpn, "Protocol to offer; may be given again")
      ->take_all()
      ->allow_extra_args(false);
}

void add_verify(CLI::App& app, Chosen<VerifyArguments>& verify) {
  VerifyArguments& to = verify.second;
  verify.first =
      app.add_subcommand("verify", "A consumer that checks order, repeats, gaps and latency of what arrives");
  verify.first
      ->add_option("-b,--broker", to.broker,
                   "Broker, such as mqtt://127.0.0.1:1883 or mqtts://broker.example")
      ->required();
  verify.first->add_option("-t,--topic", to.topic, "Topic filter")->capture_default_str();
  verify.first->add_option_function<std::string>(
      "--for", [&to](const std::string& text) { to.length = duration_or_throw(text); },
      "How long, such as 60s [default: until stopped]");
  verify.first->add_option_function<std::string>(
      "--idle", [&to](const std::string& text) { to.idle = duration_or_throw(text); },
      "End when nothing arrived for this long");
  verify.first->add_option("--username", to.username, "User name for the broker");
  verify.first->add_option("--password-file", to.password_file, "File whose first line is the password");
  verify.first->add_option("--client-id", to.client_id, "Client id [default: a random one]");
  add_tls_options(*verify.first, to.tls);
  verify.first->add_flag("--allow-plain-text", to.allows_plain_text,
                         "mqtt:// may lead to another machine, in plain text");
  verify.first->add_flag(
      "--from-start", to.is_from_start,
      "Every stream must begin with number 1: for a fresh buffer, with verify started first");
  verify.first->add_flag("--mqtt311", to.is_mqtt311, "Speak MQTT 3.1.1 instead of 5");
  verify.first->add_flag("-q,--quiet", to.is_quiet, "No progress line");
}

void add_decode(CLI::App& app, Chosen<DecodeArguments>& decode) {
  decode.first =
      app.add_subcommand("decode", "JSON lines of the frames of a candump log, decoded by DBC files");
  decode.first->add_option("-d,--dbc", decode.second.dbc, "DBC file; may be given again")
      ->required()
      ->take_all()
      ->allow_extra_args(false);
  decode.first->add_option("LOG", decode.second.log, "candump log; \"-\" is standard input")
      ->capture_default_str();
  decode.first
      ->add_option("--match", decode.second.matching, "How ids are matched: auto, exact or pgn (J1939)")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "exact", "pgn"}));
  decode.first->add_flag("--strict", decode.second.is_strict, "Refuse a DBC file with any broken statement");
}

void add_check(CLI::App& app, Chosen<CheckArguments>& check) {
  check.first = app.add_subcommand("check", "Validates a configuration with everything it refers to");
  check.first->add_option("CONFIG", check.second.config, "Configuration file")->required();
  check.first->add_option("--set", check.second.overrides, "Override one value: path.to.key=value")
      ->take_all()
      ->allow_extra_args(false);
  check.first->add_flag("--strict", check.second.is_strict, "Warnings are errors");
}

void add_status(CLI::App& app, Chosen<StatusArguments>& status) {
  status.first = app.add_subcommand("status", "What the running agent is doing");
  add_config_options(*status.first, status.second, "builtin:simulator");
  status.first->add_flag("--json", status.second.is_json, "One JSON object instead of text");
  auto* healthy = status.first->add_flag("--healthy", status.second.asks_health,
                                         "Exit code 0 when data flows, else 1 and one sentence why");
  status.first
      ->add_option_function<std::string>(
          "--within", [&status](const std::string& text) { status.second.within = duration_or_throw(text); },
          "With --healthy: how long the bus may be silent and the broker away [default: 10min]")
      ->needs(healthy);
}

void add_buffer(CLI::App& app, Chosen<BufferArguments>& buffer) {
  BufferArguments& to = buffer.second;
  buffer.first = app.add_subcommand("buffer", "Looks into the buffer, while the agent runs or not");
  buffer.first->require_subcommand(1);
  const auto add = [&](const char* name, const char* about, BufferArguments::Action action) {
    CLI::App* command = buffer.first->add_subcommand(name, about);
    add_config_options(*command, to, "builtin:simulator");
    command->callback([&to, action] { to.action = action; });
    return command;
  };
  CLI::App* list =
      add("list", "Streams with what waits and what became of the rest", BufferArguments::Action::kList);
  list->add_flag("--dead", to.is_dead, "The dead letters instead: rows that the broker refused for good");
  list->add_flag("--json", to.is_json, "JSON lines instead of text");
  CLI::App* copy = add("export", "Rows that wait, as they are published: one JSON line each, oldest first",
                       BufferArguments::Action::kExport);
  copy->add_flag("--dead", to.is_dead, "The dead letters instead");
  CLI::App* salvage = add("salvage", "Makes a new buffer of what can be read of this one, or of another file",
                          BufferArguments::Action::kSalvage);
  salvage->footer(
      "A start does this by itself when the buffer is damaged. The rows of FILE come in as new rows: those "
      "that were "
      "salvaged\nwhen it was set aside are delivered twice.");
  salvage->add_flag("--dry-run", to.is_dry_run, "Only say what can be read");
  salvage->add_option("FILE", to.file, "A buffer that was set aside, such as outrider.db.damaged-1");
  CLI::App* requeue =
      add("requeue", "Sends dead letters again, as new rows", BufferArguments::Action::kRequeue);
  auto* all = requeue->add_flag("--all", to.is_all, "All of them");
  requeue->add_option("ID", to.ids, "As \"outrider buffer list --dead\" shows them")
      ->check([](const std::string& id) {
        const bool is_number = !id.empty() && id.find_first_not_of("0123456789") == std::string::npos;
        if (is_number && id.find_first_not_of('0') != std::string::npos) return std::string();
        return "\"" + id +
               "\" is no dead letter; their numbers begin at 1: see \"outrider buffer list --dead\"";
      })
      ->excludes(all);
  requeue->callback([&to] {
    to.action = BufferArguments::Action::kRequeue;
    if (!to.is_all && to.ids.empty())
      throw CLI::ValidationError("requeue: give the ID of a dead letter, or --all");
  });
}

/// Like other commands, but these work without a configuration.
void add_optional_config(CLI::App& command, KeyArguments& to, const std::string& about) {
  command.add_option("-c,--config", to.config, about);
  command.add_option("--set", to.overrides, "Override one value of it: path.to.key=value")
      ->take_all()
      ->allow_extra_args(false);
}

void add_key_generate(CLI::App& key, KeyArguments& to) {
  CLI::App* command =
      key.add_subcommand("generate", "Makes a private key, in a new file that only its owner can read");
  static const std::map<std::string, KeyType> types{
      {"ec-p256", KeyType::kEcP256}, {"rsa-2048", KeyType::kRsa2048}, {"rsa-3072", KeyType::kRsa3072}};
  command
      ->add_option_function<std::string>(
          "--type", [&to](const std::string& name) { to.type = types.at(name); },
          "ec-p256, rsa-2048 or rsa-3072 [default: ec-p256]")
      ->check(CLI::IsMember({"ec-p256", "rsa-2048", "rsa-3072"}));
  command->add_option("-o,--out", to.out, "New file; one that is there is never overwritten")->required();
  command->callback([&to] { to.action = KeyArguments::Action::kGenerate; });
}

void add_key_csr(CLI::App& key, KeyArguments& to) {
  CLI::App* command =
      key.add_subcommand("csr", "Asks a CA for a certificate: a request (PKCS #10, PEM), signed by the key");
  command->footer(
      "Example: outrider key csr --key truck-17.key --subject \"CN=truck-17,O=Fleet\" --out truck-17.csr");
  command->add_option("-k,--key", to.key, "File with the private key [default: publish.tls.key of --config]");
  command->add_option(
      "--subject", to.subject,
      "Who asks: CN=truck-17,O=Fleet; types are CN, O, OU, C, ST, L, serialNumber, and a comma in a value is "
      "written \\, [default: CN= and the vehicle_id of --config]");
  command
      ->add_option("--san", to.names,
                   "Another name: DNS:NAME, IP:ADDRESS (IPv4) or URI:URI; may be given again")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("-o,--out", to.out,
                      "New file; one that is there is never overwritten [default: standard output]");
  add_optional_config(*command, to, "Configuration file, for the defaults");
  command->callback([&to] {
    to.action = KeyArguments::Action::kRequest;
    if (to.config.empty() && to.key.empty()) throw CLI::ValidationError("csr: give --key FILE, or --config");
    if (to.config.empty() && to.subject.empty())
      throw CLI::ValidationError("csr: give --subject, such as CN=truck-17, or --config");
  });
}

void add_key_show(CLI::App& key, KeyArguments& to) {
  CLI::App* command =
      key.add_subcommand("show", "What keys, certificates and requests are; never the key itself");
  command->footer(
      "Exit code 1 when there are a private key and certificates, and the key belongs to none of them.");
  auto* files = command->add_option("FILE", to.files, "Files in PEM or DER form");
  add_optional_config(*command, to, "Configuration file: shows publish.tls.certificate and key of it");
  command->add_flag("--json", to.is_json, "JSON lines instead of text");
  command->get_option("--config")->excludes(files);
  command->callback([&to] {
    to.action = KeyArguments::Action::kShow;
    if (to.config.empty() && to.files.empty()) throw CLI::ValidationError("show: give a FILE, or --config");
  });
}

void add_key(CLI::App& app, Chosen<KeyArguments>& key) {
  key.first =
      app.add_subcommand("key", "The identity of this device: private key, certificate request, certificate");
  key.first->require_subcommand(1);
  add_key_generate(*key.first, key.second);
  add_key_csr(*key.first, key.second);
  add_key_show(*key.first, key.second);
}

}  // namespace

std::variant<Arguments, int> parse_arguments(int argc, const char* const* argv) {
  CLI::App app{kAbout, "outrider"};
  app.footer(kExitCodes);
  bool wants_version = false;
  app.add_flag("--version", wants_version, "Versions of Outrider and of the libraries it runs with");
  app.require_subcommand(0, 1);
  Chosen<RunArguments> run;
  Chosen<SimulateArguments> simulate;
  Chosen<ReplayArguments> replay;
  Chosen<VerifyArguments> verify;
  Chosen<DecodeArguments> decode;
  Chosen<CheckArguments> check;
  Chosen<StatusArguments> status;
  Chosen<BufferArguments> buffer;
  Chosen<KeyArguments> key;
  add_run(app, run);
  add_simulate(app, simulate);
  add_replay(app, replay);
  add_verify(app, verify);
  add_decode(app, decode);
  add_check(app, check);
  add_status(app, status);
  add_buffer(app, buffer);
  add_key(app, key);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitFine : kExitUsage;
  }
  if (wants_version) return VersionArguments{};
  if (run.first->parsed()) return run.second;
  if (simulate.first->parsed()) return simulate.second;
  if (replay.first->parsed()) return replay.second;
  if (verify.first->parsed()) return verify.second;
  if (decode.first->parsed()) return decode.second;
  if (check.first->parsed()) return check.second;
  if (status.first->parsed()) return status.second;
  if (buffer.first->parsed()) return buffer.second;
  if (key.first->parsed()) return key.second;
  std::fputs(app.help().c_str(), stderr);
  return kExitUsage;
}

}  // namespace outrider
