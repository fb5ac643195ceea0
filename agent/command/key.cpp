// SPDX-License-Identifier: Apache-2.0
#include "agent/command/key.h"

#include <algorithm>
#include <optional>

#include "agent/config/config.h"
#include "agent/secure/identity_file.h"
#include "agent/secure/key_maker.h"
#include "agent/status/json_writer.h"

namespace outrider {
namespace {

using Kind = IdentityPart::Kind;

int explain(std::FILE* err, const std::string& text) {
  std::fprintf(err, "outrider: %s\n", text.c_str());
  return kExitBadInput;
}

int generate(const KeyArguments& arguments, const World& world, std::FILE* err) {
  const Result<SecretText> key = make_private_key(arguments.type);
  if (!key) return explain(err, key.error().text);
  if (const Status made = world.create_file(arguments.out, key->view(), Readers::kOwner); !made)
    return explain(err, made.error().text);
  std::fprintf(err,
               "outrider: a new private key is in %s, for its owner only; \"outrider key csr\" asks for its "
               "certificate\n",
               arguments.out.c_str());
  return kExitFine;
}

Result<RequestOptions> request_options(const KeyArguments& arguments, const std::string& vehicle_id) {
  RequestOptions options;
  if (arguments.subject.empty()) {
    Result<SubjectPart> name = common_name(vehicle_id);
    if (!name) return reject(name.error().text + "; give another one by --subject");
    options.subject.push_back(std::move(*name));
  } else {
    Result<std::vector<SubjectPart>> subject = parse_subject(arguments.subject);
    if (!subject) return reject("--subject: " + subject.error().text);
    options.subject = std::move(*subject);
  }
  for (const std::string& text : arguments.names) {
    Result<AlternativeName> name = parse_alternative_name(text);
    if (!name) return reject("--san: " + name.error().text);
    options.names.push_back(std::move(*name));
  }
  return options;
}

int request(const KeyArguments& arguments, const std::optional<Config>& config, const World& world,
            std::FILE* out, std::FILE* err) {
  const std::string key = arguments.key.empty() && config ? config->publish.tls.key : arguments.key;
  if (key.empty()) return explain(err, arguments.config + " has no publish.tls.key; give --key FILE");
  const Result<RequestOptions> options = request_options(arguments, config ? config->vehicle_id : "");
  if (!options) return explain(err, options.error().text);
  const Result<std::string> text = make_request(key, *options);
  if (!text) return explain(err, text.error().text);
  if (arguments.out.empty()) {
    std::fputs(text->c_str(), out);
    return kExitFine;
  }
  const Status made = world.create_file(arguments.out, *text, Readers::kEverybody);
  return made ? kExitFine : explain(err, made.error().text);
}

struct Shown {
  std::string file;
  IdentityPart part;
  std::string belongs_to;  ///< Of a private key: the first file with a certificate of it; empty: none.
};

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::kCertificate:
      return "certificate";
    case Kind::kRequest:
      return "request";
    case Kind::kPrivateKey:
      break;
  }
  return "private key";
}

std::string names_text(const CertificateInfo& certificate) {
  std::string text;
  for (const std::string& name : certificate.names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string days_text(const CertificateInfo& certificate, WallTime now) {
  if (!is_clock_plausible(now)) return "the clock is not set";
  const std::int64_t days = days_left(certificate, now);
  if (now < certificate.not_before) return "NOT VALID YET";
  return days < 0 ? "EXPIRED" : std::to_string(days) + (days == 1 ? " day left" : " days left");
}

void print_line(std::FILE* out, const char* label, const std::string& text) {
  if (!text.empty()) std::fprintf(out, "  %-12s %s\n", label, text.c_str());
}

void print(const Shown& shown, bool has_certificates, WallTime now, std::FILE* out) {
  const IdentityPart& part = shown.part;
  const CertificateInfo& certificate = part.certificate;
  std::fprintf(out, "%s: %s\n", shown.file.c_str(), name_of(part.kind));
  print_line(out, "subject", certificate.subject);
  print_line(out, "issuer", certificate.issuer);
  print_line(out, "names", names_text(certificate));
  print_line(out, "serial", certificate.serial);
  if (part.kind == Kind::kCertificate)
    print_line(out, "valid",
               iso_time(certificate.not_before) + " to " + iso_time(certificate.not_after) + ", " +
                   days_text(certificate, now));
  print_line(out, "SHA-256", certificate.sha256);
  print_line(out, "key", part.key_kind);
  print_line(out, "public key", "SHA-256 " + part.key_digest);
  if (part.kind == Kind::kPrivateKey && has_certificates)
    print_line(out, "belongs to", shown.belongs_to.empty() ? "NONE of these certificates" : shown.belongs_to);
}

std::string json_of(const Shown& shown, WallTime now) {
  const CertificateInfo& certificate = shown.part.certificate;
  JsonWriter json;
  json.text("file", shown.file);
  json.text("kind", name_of(shown.part.kind));
  json.text("key_type", shown.part.key_kind);
  json.text("public_key_sha256", shown.part.key_digest);
  if (shown.part.kind != Kind::kPrivateKey) json.text("subject", certificate.subject);
  if (shown.part.kind == Kind::kPrivateKey)
    shown.belongs_to.empty() ? json.null("belongs_to") : json.text("belongs_to", shown.belongs_to);
  if (shown.part.kind != Kind::kCertificate) return json.finish();
  json.text("issuer", certificate.issuer);
  json.open_list("names");
  for (const std::string& name : certificate.names) json.text("", name);
  json.close();
  json.text("serial", certificate.serial);
  json.text("not_before", iso_time(certificate.not_before));
  json.text("not_after", iso_time(certificate.not_after));
  is_clock_plausible(now) ? json.integer("days_left", days_left(certificate, now)) : json.null("days_left");
  json.text("sha256", certificate.sha256);
  return json.finish();
}

/// Says for each private key which certificate is its own; false when one of them has none.
bool match(std::vector<Shown>& all) {
  bool is_complete = true;
  for (Shown& key : all) {
    if (key.part.kind != Kind::kPrivateKey) continue;
    const auto own = std::find_if(all.begin(), all.end(), [&](const Shown& each) {
      return each.part.kind == Kind::kCertificate && each.part.key_digest == key.part.key_digest;
    });
    if (own != all.end()) key.belongs_to = own->file;
    is_complete = is_complete && own != all.end();
  }
  return is_complete;
}

std::vector<std::string> files_of(const KeyArguments& arguments, const std::optional<Config>& config) {
  std::vector<std::string> files = arguments.files;
  if (!config) return files;
  for (const std::string& file : {config->publish.tls.certificate, config->publish.tls.key})
    if (!file.empty() && std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  return files;
}

int show(const KeyArguments& arguments, const std::optional<Config>& config, const World& world,
         std::FILE* out, std::FILE* err) {
  const std::vector<std::string> files = files_of(arguments, config);
  if (files.empty())
    return explain(err, arguments.config + " has neither publish.tls.certificate nor publish.tls.key");
  std::vector<Shown> all;
  bool is_readable = true;
  for (const std::string& file : files) {
    const Result<std::vector<IdentityPart>> parts = look_at_identity(file);
    if (!parts) explain(err, parts.error().text);
    is_readable = is_readable && parts;
    if (!parts) continue;
    for (const IdentityPart& part : *parts) all.push_back({.file = file, .part = part, .belongs_to = {}});
  }
  const bool has_certificates = std::any_of(
      all.begin(), all.end(), [](const Shown& each) { return each.part.kind == Kind::kCertificate; });
  const bool matches = match(all) || !has_certificates;
  const WallTime now = world.clock->wall_now();
  for (const Shown& shown : all) {
    if (arguments.is_json)
      std::fprintf(out, "%s\n", json_of(shown, now).c_str());
    else
      print(shown, has_certificates, now, out);
  }
  if (!is_readable) return kExitBadInput;
  return matches ? kExitFine : kExitNo;
}

}  // namespace

int run_key(const KeyArguments& arguments, const World& world, std::FILE* out, std::FILE* err) {
  if (arguments.action == KeyArguments::Action::kGenerate) return generate(arguments, world, err);
  std::optional<Config> config;
  if (!arguments.config.empty()) {
    Result<Config> loaded = load_config(arguments.config, arguments.overrides);
    if (!loaded) return explain(err, loaded.error().text);
    config = std::move(*loaded);
  }
  return arguments.action == KeyArguments::Action::kRequest ? request(arguments, config, world, out, err)
                                                            : show(arguments, config, world, out, err);
}

}  // namespace outrider
