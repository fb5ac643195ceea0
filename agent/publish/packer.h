// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "agent/publish/refusal.h"
#include "agent/publish/row_text.h"
#include "agent/store/outbox.h"

namespace outrider {

/// Makes messages of consecutive rows of one stream.
///
/// Threads  the loop only.
class Packer {
 public:
  Packer(Outbox& outbox, Layout layout) : outbox_(outbox), layout_(layout) {}

  struct Limits {
    std::size_t bytes = 0;
    std::size_t rows = 0;
  };
  struct Packed {
    RowRange range;
    std::string_view payload;  ///< In `text`.
  };
  /// Rows from number `from` on, as many as the limits allow but at least one; nullopt when there is none now.
  std::optional<Packed> pack(StreamIndex stream, Sequence from, Limits limits, MessageText& text);

 private:
  Outbox& outbox_;
  const Layout layout_;
  std::vector<Row> rows_;  // scratch
};

}  // namespace outrider
