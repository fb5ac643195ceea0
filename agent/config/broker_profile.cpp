// SPDX-License-Identifier: Apache-2.0
#include "agent/config/broker_profile.h"

namespace outrider {
namespace {

constexpr std::uint32_t kKiB = 1024;
constexpr std::uint64_t kKiBPerSecond = kKiB;
constexpr std::uint64_t kMB = 1'000'000;
constexpr ServicePort kSecureMqtt{.number = 8883};

constexpr BrokerProfile kGeneric{.name = "generic", .has_basic_ingest = true};

/// Source: man/mosquitto.conf.5.xml (max_inflight_messages).
constexpr BrokerProfile kMosquitto{.name = "mosquitto", .max_in_flight = 20};

/// Sources: AWS General Reference, "AWS IoT Core endpoints and quotas"; AWS IoT Core Developer Guide, "Device
/// communication protocols" and "MQTT". A publish beyond the rate is thrown away, bytes beyond it are only delayed. The
/// usual rates leave room for bursts (Pace) and for what is received.
constexpr BrokerProfile kAwsIot{.name = "aws-iot",
                                .is_service = true,
                                .ports = {kSecureMqtt, {.number = 443, .alpn = "x-amzn-mqtt-ca"}},
                                .has_basic_ingest = true,
                                .max_message = 128 * kKiB,
                                .max_in_flight = 100,
                                .usual_messages_per_second = 70,
                                .max_messages_per_second = 100,
                                .usual_bytes_per_second = 320 * kKiBPerSecond,
                                .max_bytes_per_second = 512 * kKiBPerSecond,
                                .min_keep_alive = seconds(30),
                                .max_keep_alive = seconds(1200),
                                .certificate_hint =
                                    "knows a device by its certificate (publish.tls.certificate), "
                                    "unless a custom authorizer lets it in"};

/// Sources: Azure Event Grid documentation, "MQTT features supported by Azure Event Grid's MQTT broker feature" and
/// "Quotas and limits" (per session: 1000 messages and 1 MB per second, 64 KB in flight). Namespaces made since 2025 do
/// retain; older ones close the connection over it, and nothing tells which one it is before CONNECT.
constexpr BrokerProfile kAzureEventGrid{
    .name = "azure-event-grid",
    .is_service = true,
    .ports = {kSecureMqtt},
    .has_retain = false,
    .max_message = 512 * kKiB,
    .max_in_flight_bytes = 60'000,
    .usual_messages_per_second = 70,
    .max_messages_per_second = 1000,
    .usual_bytes_per_second = 640 * kKiBPerSecond,
    .max_bytes_per_second = kMB,
    .max_keep_alive = seconds(1160),
    .certificate_hint = "knows a device by its certificate (publish.tls.certificate)",
    .username_hint =
        "wants the client's authentication name as publish.username, "
        "unless the namespace takes it from the certificate"};

/// Source: Azure IoT Hub documentation, "Communicate with an IoT hub using the MQTT protocol" and "Create and read IoT
/// Hub messages". What stands behind "events/" is a list of properties, URL-encoded: $.ct and $.ce, type and encoding,
/// let the hub look into the body when it routes. (443 is MQTT over WebSocket there, which Outrider does not speak.)
constexpr BrokerProfile kAzureIotHub{
    .name = "azure-iot-hub",
    .is_service = true,
    .ports = {kSecureMqtt},
    .has_mqtt5 = false,
    .has_retain = false,
    .client_id = "{vehicle_id}",
    .username_end = "/{client_id}/?api-version=2021-04-12",
    .topic =
        "devices/{client_id}/messages/events/"
        "vehicle_id={vehicle_id}&channel={channel}&$.ct=application%2Fjson&$.ce=utf-8",
    .topic_begin = "devices/{client_id}/messages/events/",
    .max_message = 256 * kKiB,
    .max_keep_alive = seconds(1177),
    .certificate_hint =
        "knows a device by its certificate (publish.tls.certificate) or by a SAS token "
        "(publish.password_file)"};

/// Source: emqx, apps/emqx/src/emqx_schema.erl (max_inflight, max_packet_size).
constexpr BrokerProfile kEmqx{.name = "emqx", .max_message = kKiB * kKiB, .max_in_flight = 32};

/// Source: hivemq-community-edition, MqttConfigurationDefaults (Receive Maximum).
constexpr BrokerProfile kHiveMq{.name = "hivemq", .max_in_flight = 10};

constexpr std::array kProfiles{kGeneric, kMosquitto, kAwsIot, kAzureEventGrid, kAzureIotHub, kEmqx, kHiveMq};

}  // namespace

std::span<const BrokerProfile> broker_profiles() { return kProfiles; }

}  // namespace outrider
