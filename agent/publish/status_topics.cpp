// SPDX-License-Identifier: Apache-2.0
#include "agent/publish/status_topics.h"

#include <algorithm>
#include <utility>

namespace outrider {

void StatusTopics::set(std::string_view vehicle_id, std::string topic, std::string text) {
  const auto found = std::find_if(documents_.begin(), documents_.end(), [&](const Document& document) {
    return document.vehicle_id == vehicle_id;
  });
  if (found == documents_.end()) {
    documents_.push_back(
        {.vehicle_id = std::string(vehicle_id), .topic = std::move(topic), .text = std::move(text)});
  } else {
    found->text = std::move(text);
    found->is_sent = false;
  }
}

void StatusTopics::rewind() {
  tokens_.clear();
  for (Document& document : documents_) document.is_sent = false;
}

StatusTopics::Document* StatusTopics::next() {
  const auto found = std::find_if(documents_.begin(), documents_.end(),
                                  [](const Document& document) { return !document.is_sent; });
  return found == documents_.end() ? nullptr : &*found;
}

void StatusTopics::sent(Document& document, std::uint64_t token) {
  document.is_sent = true;
  tokens_.push_back(token);
}

bool StatusTopics::take_answer(std::uint64_t token) { return std::erase(tokens_, token) > 0; }

}  // namespace outrider
