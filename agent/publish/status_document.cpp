// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/status_document.h"

#include "agent/base/json_text.h"
#include "agent/secure/digest.h"

namespace outrider {
namespace {

void append_member(std::string& out, std::string_view key, std::string_view text) {
  out += ",\"";
  out += key;
  out += "\":";
  append_json_string(out, text);
}

std::string signals_json(const std::vector<SeriesInfo>& series) {
  std::string json = "[";
  for (const SeriesInfo& info : series) {
    json += "{\"name\":";
    append_json_string(json, info.name);
    append_member(json, "unit", info.unit);
    append_member(json, "source", info.source);
    append_member(json, "bus", info.bus);
    json += "},";
  }
  if (json.back() == ',') json.pop_back();
  return json + "]";
}

}  // namespace

const char* name_of(Layout layout) { return layout == Layout::kColumns ? "columns" : "records"; }

std::string catalogue_digest(const std::vector<SeriesInfo>& series) {
  return short_digest(signals_json(series));
}

std::string status_text(const StatusDocument& document, WallTime now) {
  const std::string signals = signals_json(*document.series);
  std::string text = R"({"schema":"outrider/status/1")";
  append_member(text, "vehicle_id", document.vehicle_id);
  append_member(text, "agent", document.agent);
  if (document.is_online) text += *document.is_online ? ",\"online\":true" : ",\"online\":false";
  append_member(text, "time", iso_time(now));
  append_member(text, "version", OUTRIDER_VERSION);
  append_member(text, "epoch", document.epoch);
  append_member(text, "layout", name_of(document.layout));
  append_member(text, "catalogue", short_digest(signals));
  if (document.lists_signals) {
    text += ",\"signals\":";
    text += signals;
  }
  text += '}';
  return text;
}

}  // namespace outrider
