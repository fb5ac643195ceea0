// SPDX-License-Identifier: Apache-2.0
#include "agent/command/check.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>

#include "agent/base/quantity.h"
#include "agent/command/drive.h"
#include "agent/command/rule_coverage.h"
#include "agent/config/config.h"
#include "agent/decode/decoder.h"
#include "agent/secure/secret_file.h"
#include "agent/secure/tls_client.h"
#include "agent/select/selection.h"

namespace outrider {
namespace {

/// A damaged file has thousands; the first ones tell what kind of file it is.
constexpr std::size_t kMostWarningsPerFile = 20;

/// Everything that is said about one configuration, and whether any of it was bad.
class Findings {
 public:
  Findings(std::string config, std::FILE* err) : config_(std::move(config)), err_(err) {}

  void problem(const std::string& text) {
    ++problems_;
    write(config_ + ": " + text);
  }
  void warning(const std::string& text) { warning_in(config_, text); }
  void warning_in(const std::string& place, const std::string& text) {
    ++warnings_;
    write(place + ": warning: " + text);
  }
  void write(const std::string& line) { std::fprintf(err_, "%s\n", line.c_str()); }

  std::size_t problems() const { return problems_; }
  std::size_t warnings() const { return warnings_; }

 private:
  std::string config_;
  std::FILE* err_;
  std::size_t problems_ = 0;
  std::size_t warnings_ = 0;
};

void report_dbc_warnings(const DbcSource& source, const Dbc& file, Findings& findings) {
  const std::string& name = source.path.empty() ? source.name : source.path;
  std::size_t told = 0;
  for (const DbcWarning& warning : file.warnings) {
    if (++told > kMostWarningsPerFile) {
      findings.write(name + ": and " + std::to_string(file.warnings.size() - kMostWarningsPerFile) + " more");
      return;
    }
    findings.warning_in(name + ":" + std::to_string(warning.line), warning.text);
  }
}

/// Every DBC file once, in the order of the buses; what cannot be read is a problem at its place.
BusFiles load_files(const Config& config, Findings& findings) {
  std::map<std::string, std::shared_ptr<const Dbc>> loaded;
  BusFiles files;
  for (std::size_t bus = 0; bus < config.buses.size(); ++bus) {
    auto& of_bus = files.emplace_back();
    const std::vector<DbcSource>& sources = config.buses[bus].dbc;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const DbcSource& source = sources[i];
      const auto [entry, is_new] = loaded.try_emplace(source.path.empty() ? source.name : source.path);
      if (is_new) {
        Result<Dbc> read = load_dbc_source(source);
        if (!read) {
          findings.problem("buses[" + std::to_string(bus) + "].dbc[" + std::to_string(i) +
                           "]: " + read.error().text);
          continue;
        }
        report_dbc_warnings(source, *read, findings);
        entry->second = std::make_shared<const Dbc>(std::move(*read));
      }
      if (entry->second) of_bus.push_back(entry->second);
    }
  }
  return files;
}

void check_password(const std::string& path, Findings& findings) {
  if (path.empty()) return;
  if (is_credential(path) && !has_credentials())
    return findings.warning("publish.password_file: only the service can look at " + path);
  const Result<std::string> password = read_password(path);
  if (!password) return findings.problem("publish.password_file: " + password.error().text);
  if (password->empty())
    findings.problem("publish.password_file: the first line of " + path + " is empty; it is the password");
  std::error_code unknown;
  const std::filesystem::file_status status = std::filesystem::status(path, unknown);
  const auto others = std::filesystem::perms::others_read;
  if (!unknown && (status.permissions() & others) == others)
    findings.warning("publish.password_file: every user of this machine can read " + path +
                     "; take that right away (chmod o-r)");
}

void warn_of_protocol(const Config& config, Findings& findings) {
  if (config.publish.version != MqttVersion::k311) return;
  findings.warning(
      std::string("publish.mqtt: with MQTT 3.1.1 a broker may acknowledge a message that it refuses, and the "
                  "loss goes unnoticed") +
      (config.publish.profile.rules->has_mqtt5 ? "; use \"5\" if the broker can" : ""));
}

void check_tls(const PublishConfig& publish, WallTime now, Findings& findings) {
  const auto is_secure = [](const BrokerAddress& broker) { return broker.is_secure; };
  if (std::none_of(publish.brokers.begin(), publish.brokers.end(), is_secure)) {
    if (publish.tls != TlsOptions{})
      findings.warning("publish.tls: no broker is reached by mqtts://, so it is of no use");
    return;
  }
  for (const TlsFinding& finding : examine_tls(publish.tls, now)) {
    const std::string text = "publish.tls." + finding.option + ": " + finding.text;
    finding.is_warning ? findings.warning(text) : findings.problem(text);
  }
}

void warn_of_plain_text(const PublishConfig& publish, Findings& findings) {
  for (const std::string& warning : plain_text_warnings(publish)) findings.warning(warning);
}

struct BusSummary {
  std::size_t messages = 0;
  std::size_t signals = 0;
  std::uint32_t wanted = 0;
};

BusSummary summarize(const Config& config, const BusConfig& bus,
                     const std::vector<std::shared_ptr<const Dbc>>& files, Findings& findings) {
  BusSummary summary;
  for (const auto& file : files) {
    summary.messages += file->messages.size();
    for (const DbcMessage& message : file->messages) {
      summary.signals += message.signals.size();
      for (const DbcSignal& signal : message.signals)
        if (Selection::is_wanted(config.signals, message, signal)) ++summary.wanted;
    }
  }
  const Decoder decoder(files, bus.matching, [&](const DbcMessage& message, const DbcSignal& signal) {
    return Selection::is_wanted(config.signals, message, signal);
  });
  for (const std::string& warning : decoder.warnings()) findings.warning("bus " + bus.name + ": " + warning);
  return summary;
}

std::string plural(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

void write_row(std::FILE* out, const std::string& label, const std::string& text) {
  std::fprintf(out, "%-9s %s\n", label.c_str(), text.c_str());
}

const char* word_of(IdMatching matching) {
  switch (matching) {
    case IdMatching::kExact:
      return "whole ids";
    case IdMatching::kPgn:
      return "J1939 parameter groups";
    case IdMatching::kAuto:
      break;
  }
  return "ids as the files say";
}

void write_buses(const Config& config, const std::vector<BusSummary>& summaries, std::FILE* out) {
  for (std::size_t i = 0; i < config.buses.size(); ++i) {
    const BusConfig& bus = config.buses[i];
    std::string names;
    for (const DbcSource& source : bus.dbc) names += (names.empty() ? "" : ", ") + source.name;
    write_row(out, i == 0 ? "buses" : "",
              bus.name + ": " + names + "; " + plural(summaries[i].messages, "message") + ", " +
                  std::to_string(summaries[i].wanted) + " of " + plural(summaries[i].signals, "signal") +
                  " wanted; matched by " + word_of(bus.matching));
  }
}

void write_profile(const AppliedProfile& profile, std::FILE* out) {
  std::string text(profile.rules->name);
  for (std::size_t i = 0; i < profile.settings.size(); ++i)
    text += (i == 0 ? "; it sets " : ", ") + profile.settings[i];
  write_row(out, "profile", text);
}

void write_brokers(const PublishConfig& publish, std::FILE* out) {
  write_profile(publish.profile, out);
  for (std::size_t i = 0; i < publish.brokers.size(); ++i) {
    const BrokerAddress& broker = publish.brokers[i];
    write_row(out, i == 0 ? "brokers" : "",
              broker.text() + (broker.is_secure ? ", TLS" : ", plain text") +
                  (broker.alpn.empty() ? "" : ", ALPN " + broker.alpn));
  }
  write_row(out, "",
            std::string("MQTT ") + (publish.version == MqttVersion::k5 ? "5" : "3.1.1") + ", client id " +
                publish.client_id + (publish.username.empty() ? "" : ", user " + publish.username));
  write_row(out, "topic",
            publish.topic + ", " + (publish.layout == Layout::kColumns ? "columns" : "records") +
                " in messages of up to " + size_text(publish.max_message));
}

void write_summary(const Config& config, const std::vector<BusSummary>& summaries, std::FILE* out) {
  write_row(out, "vehicle", config.vehicle_id);
  write_buses(config, summaries, out);
  write_row(out, "rules", std::to_string(config.signals.size()));
  write_brokers(config.publish, out);
  write_row(out, "buffer",
            config.buffer.directory + ", up to " + size_text(config.buffer.max_bytes) + ", written every " +
                duration_text(config.buffer.commit_interval));
}

}  // namespace

int run_check(const CheckArguments& arguments, WallTime now, std::FILE* out, std::FILE* err) {
  const Result<Config> config = load_config(arguments.config, arguments.overrides);
  if (!config) {
    std::fprintf(err, "%s\n", config.error().text.c_str());
    return kExitBadInput;
  }
  Findings findings(arguments.config, err);
  const BusFiles files = load_files(*config, findings);
  check_password(config->publish.password_file, findings);
  check_tls(config->publish, now, findings);
  warn_of_protocol(*config, findings);
  warn_of_plain_text(config->publish, findings);
  for (const std::string& warning : profile_warnings(config->publish)) findings.warning(warning);
  if (findings.problems() > 0) return kExitBadInput;

  std::vector<std::shared_ptr<const Dbc>> all_files;
  std::vector<BusSummary> summaries;
  for (std::size_t i = 0; i < files.size(); ++i) {
    summaries.push_back(summarize(*config, config->buses[i], files[i], findings));
    all_files.insert(all_files.end(), files[i].begin(), files[i].end());
  }
  for (const std::string& warning : rule_warnings(config->signals, all_files)) findings.warning(warning);
  if (arguments.is_strict && findings.warnings() > 0) {
    findings.write(arguments.config + ": " + plural(findings.warnings(), "warning") +
                   ", and --strict allows none");
    return kExitBadInput;
  }
  write_summary(*config, summaries, out);
  return kExitFine;
}

}  // namespace outrider
