// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mqtt/async_client.h>

#include <cstdint>
#include <mutex>
#include <string>

#include "agent/ports/message_source.h"
#include "platform/paho/mailbox.h"

namespace outrider {

/// One connection of a subscriber: connects when constructed, subscribes when told to, ends with its object.
///
/// Errors   the constructor and `subscribe` throw mqtt::exception.
/// Threads  the caller's; Paho's own set the stage and ring the mailbox.
class PahoSubscription {
 public:
  enum class Stage {
    kConnecting,
    kConnected,  ///< The caller should subscribe.
    kSubscribing,
    kSubscribed,
    kFailed,   ///< No connection, or it is gone: `text`.
    kRefused,  ///< The broker does not allow this subscription: `text`.
  };

  /// `is_clean`: the broker drops an older session of this client id and does not keep this one.
  /// `port`: where the link listens.
  PahoSubscription(const SubscribeRequest& request, bool is_clean, std::uint16_t port, Mailbox& mailbox);
  ~PahoSubscription();
  PahoSubscription(const PahoSubscription&) = delete;
  PahoSubscription& operator=(const PahoSubscription&) = delete;

  Stage stage() const;
  std::string text() const;
  void subscribe();
  /// Says goodbye, so that the broker need not find out.
  void disconnect();

 private:
  /// Turns the outcome of one action into the next stage.
  class Listener : public mqtt::iaction_listener {
   public:
    Listener(PahoSubscription& owner, Stage on_success, Stage on_failure)
        : owner_(owner), success_(on_success), failure_(on_failure) {}
    void on_success(const mqtt::token& token) override;
    void on_failure(const mqtt::token& token) override;

   private:
    PahoSubscription& owner_;
    const Stage success_;
    const Stage failure_;
  };

  void enter(Stage stage, std::string text);
  mqtt::connect_options connect_options(bool is_clean) const;

  const SubscribeRequest request_;
  Mailbox& mailbox_;
  mutable std::mutex mutex_;
  Stage stage_ = Stage::kConnecting;  // guarded by mutex_
  std::string text_;                  // guarded by mutex_
  Listener connected_{*this, Stage::kConnected, Stage::kFailed};
  Listener subscribed_{*this, Stage::kSubscribed, Stage::kRefused};
  mqtt::async_client client_;  // the last member, so that its threads are gone before what they use
};

}  // namespace outrider
