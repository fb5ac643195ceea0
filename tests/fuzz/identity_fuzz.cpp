// SPDX-License-Identifier: Apache-2.0
// Any bytes are a subject, a name of a certificate, a PEM file, or get a sentence that says why not.
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/ensure.h"
#include "agent/base/utf8.h"
#include "agent/secure/pem.h"
#include "agent/secure/subject_text.h"

namespace {

using namespace outrider;

std::string written(const std::vector<SubjectPart>& parts) {
  std::string text;
  for (const SubjectPart& part : parts) {
    text += (text.empty() ? "" : ",") + part.type + "=";
    for (const char c : part.value)
      text += (std::string_view(",+\"\\<>;=# ").find(c) != std::string_view::npos ? "\\" : "") +
              std::string(1, c);
  }
  return text;
}

void read_subject(std::string_view text) {
  const auto parts = parse_subject(text);
  if (!parts) {
    ENSURE(is_utf8(parts.error().text));
    return;
  }
  ENSURE(!parts->empty());
  for (const SubjectPart& part : *parts) ENSURE(!part.value.empty() && is_utf8(part.value));
  const std::string again = written(*parts);
  if (again.size() > 2000) return;  // escapes may make it longer than a subject may be
  const auto same = parse_subject(again);
  ENSURE(same && *same == *parts);
}

void read_name(std::string_view text) {
  const auto name = parse_alternative_name(text);
  if (!name) ENSURE(is_utf8(name.error().text));
  if (name && name->kind == AlternativeName::Kind::kAddress) ENSURE(name->bytes.size() == 4);
}

void read_pem(std::string_view text) {
  std::size_t end = 0;
  for (const PemEntry& entry : pem_entries(text)) {
    const auto at = static_cast<std::size_t>(entry.text.data() - text.data());
    ENSURE(at >= end && at + entry.text.size() <= text.size());
    end = at + entry.text.size();
    const auto alone = pem_entries(entry.text);
    ENSURE(alone.size() == 1 && alone[0].label == entry.label && alone[0].text == entry.text);
  }
  ENSURE(is_utf8(what_is_in(text)) && what_is_in(text).empty() == (end == 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_subject(text);
  read_name(text);
  read_pem(text);
  return 0;
}
