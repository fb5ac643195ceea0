// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "agent/ports/message_source.h"
#include "agent/ports/secure_channel.h"

namespace outrider {

/// Subscriber on Paho with a reconnect loop of its own, advanced by `receive`: a new client object per connection, the
/// same client id, the broker keeps the session while we are away. Attempts are at most a second apart.
///
/// Life cycle  constructed → `receive` again and again → destroyed: takes up to a few seconds, as the session of a
///             random client id is ended at the broker; a given client id keeps its session for the next time.
/// Errors      kRetry while the broker is away; kStop: no subscription will come of this request (refused topic
///             filter, mqtts:// without a secure client).
/// Order       messages come in the order of arrival; after a reconnect the broker may repeat some.
/// Threads     the caller's; Paho's own hand over through a Mailbox.
class PahoSource final : public MessageSource {
 public:
  /// `secure` is for mqtts://.
  explicit PahoSource(SubscribeRequest request, std::unique_ptr<SecureClient> secure = nullptr);
  ~PahoSource() override;
  PahoSource(const PahoSource&) = delete;
  PahoSource& operator=(const PahoSource&) = delete;

  /// Opening or dropping a connection can take 200 ms longer than `longest`.
  Status receive(std::vector<ReceivedMessage>& messages, milliseconds longest) override;
  bool is_subscribed() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace outrider
