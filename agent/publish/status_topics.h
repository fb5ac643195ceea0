// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace outrider {

/// The retained documents, one per vehicle, and which of them this connection still has to carry.
///
/// Threads  pure.
class StatusTopics {
 public:
  struct Document {
    std::string vehicle_id;
    std::string topic;
    std::string text;
    bool is_sent = false;
  };

  void set(std::string_view vehicle_id, std::string topic, std::string text);
  /// All go out again on the next connection.
  void rewind();

  /// The next that has to go out; nullptr when all have.
  Document* next();
  void sent(Document& document, std::uint64_t token);
  /// False when nothing was waiting for this answer.
  bool take_answer(std::uint64_t token);
  std::size_t in_flight() const { return tokens_.size(); }

 private:
  std::vector<Document> documents_;
  std::vector<std::uint64_t> tokens_;  // in flight
};

}  // namespace outrider
