// SPDX-License-Identifier: Apache-2.0
// What people are told in each way in which a secure connection can fail, against servers that are not ours.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "agent/secure/digest.h"
#include "agent/secure/tls_client.h"
#include "tests/contract/tls_lab.h"
#include "tests/support/mosquitto.h"
#include "tests/support/tcp_listener.h"

namespace outrider {
namespace {

constexpr const char* kLine = "a line\n";
constexpr milliseconds kShortly{300};

/// Ports, folders and the time of day are not the same twice.
std::string without_accidents(std::string text) {
  const auto replace = [&text](const std::string& pattern, const char* by) {
    text = std::regex_replace(text, std::regex(pattern), by);
  };
  replace(TlsLab::get().directory().path() + "/", "");
  replace("(localhost|127\\.0\\.0\\.1):[0-9]+", "$1:PORT");
  replace("our clock says [-0-9T:Z]+", "our clock says NOW");
  return text;
}

/// One row of the table that this test prints.
void expect(const char* name, SecureClient& client, const Target& target, std::string_view first_bytes,
            const std::string& right) {
  const std::string seen = without_accidents(attempt(client, target, first_bytes));
  std::printf("%-34s | %s\n", name, seen.c_str());
  CAPTURE(name);
  CHECK(seen == right);
}

struct Case {
  const char* name;
  std::function<void(Target&)> change;
  std::string right;
};

/// All against one server, each with a client that remembers nothing.
void expect_all(const Target& usual, std::string_view first_bytes, const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    Target target = usual;
    one.change(target);
    expect(one.name, *make_tls_client(), target, first_bytes, one.right);
  }
}

TEST_CASE("tls: a mosquitto that demands certificates, and what it is told of the wrong ones") {
  if (!TlsLab::is_possible()) return;
  const TlsLab& lab = TlsLab::get();
  const Mosquitto broker(
      lab.mosquitto("server", "require_certificate true\ncrlfile " + lab.file("crl.pem") + "\n"));
  const auto as = [&lab](const std::string& who) {
    return [&lab, who](Target& target) { target.options = lab.options(who); };
  };
  expect_all(
      {.port = broker.port(), .options = lab.options("client")}, mqtt_connect(),
      {
          {"client certificate, EC", as("client"), "connected"},
          {"client certificate, RSA", as("client-rsa"), "connected"},
          {"server by its IPv4 address", [](Target& target) { target.host = "127.0.0.1"; }, "connected"},
          {"CA in a folder", [&](Target& target) { target.options.ca = lab.file("ca-folder"); }, "connected"},
          {"with a list of the revoked", [&](Target& target) { target.options.crl = lab.file("crl.pem"); },
           "connected"},
          {"no client certificate", as(""),
           "the broker demands a certificate of ours; set tls.certificate and tls.key"},
          {"client certificate expired", as("client-expired"),
           "the broker refused our certificate \"CN=client-expired\", issued by \"CN=ca\": it has expired, "
           "or is not "
           "valid yet by the broker's clock"},
          {"client certificate revoked", as("client-revoked"),
           "the broker refused our certificate \"CN=client-revoked\", issued by \"CN=ca\": it is revoked"},
          {"client certificate of another CA", as("client-other"),
           "the broker refused our certificate \"CN=client-other\", issued by \"CN=other-ca\": it does not "
           "know that CA "
           "(unknown_ca)"},
          {"wrong CA", [&](Target& target) { target.options.ca = lab.file("other-ca.pem"); },
           "the broker's certificate comes from the CA \"CN=ca\", which is not in other-ca.pem; is tls.ca "
           "the CA of "
           "this broker?"},
          {"list of the revoked out of date",
           [&](Target& target) { target.options.crl = lab.file("crl-old.pem"); },
           "the list of revoked certificates crl-old.pem is out of date; fetch the next one of this CA"},
          {"mqtt:// to its port", [](Target& target) { target.is_secure = false; },
           "the broker reset the connection before it said anything; is this a port for TLS (mqtts://)?"},
      });
}

TEST_CASE("tls: a server is believed only by a name in its certificate") {
  if (!TlsLab::is_possible()) return;
  const TlsLab& lab = TlsLab::get();
  const Mosquitto broker(lab.mosquitto("server-elsewhere"));
  const auto named = [](const char* name) {
    return [name](Target& target) { target.options.server_name = name; };
  };
  const std::string is_for = "the broker's certificate is for elsewhere.example, *.fleet.example, not for ";
  const std::string advice = "; connect by a name that it is for, or give that name as tls.server_name";
  expect_all({.port = broker.port(), .options = lab.options()}, mqtt_connect(),
             {{"wrong name", [](Target&) {}, is_for + "\"localhost\"" + advice},
              {"wrong address", [](Target& target) { target.host = "127.0.0.1"; },
               is_for + "\"127.0.0.1\"" + advice},
              {"tls.server_name", named("elsewhere.example"), "connected"},
              {"tls.server_name by a wildcard", named("truck.fleet.example"), "connected"},
              {"wildcard for one level only", named("a.truck.fleet.example"),
               is_for + "\"a.truck.fleet.example\"" + advice}});
}

TEST_CASE("tls: certificates of a server that cannot be trusted") {
  if (!TlsLab::is_possible()) return;
  const TlsLab& lab = TlsLab::get();
  const struct {
    const char* name;
    std::string server;
    std::string crl;
    std::string right;
    std::string chain = "ca";
  } cases[] = {
      {"server certificate, RSA", "server-rsa", "", "connected"},
      {"chain of six certificates", "server-deep", "", "connected", "server-deep"},
      {"server expired", "server-expired", "",
       "the broker's certificate \"CN=server-expired\" expired at 2024-02-01T00:00:00Z; our clock says NOW"},
      {"server not valid yet", "server-future", "",
       "the broker's certificate \"CN=server-future\" is not valid before 2048-01-01T00:00:00Z; our clock "
       "says NOW"},
      {"intermediate CA expired", "server-under-expired", "",
       "the CA certificate above the broker's, \"CN=middle-expired\", expired at 2024-02-01T00:00:00Z; our "
       "clock says NOW",
       "server-under-expired"},
      {"server signed by itself", "server-alone", "",
       "the broker's certificate \"CN=server-alone\" is signed by itself and not in ca.pem; if it is the "
       "right one, "
       "put it there (tls.ca)"},
      {"server revoked", "server-revoked", "crl.pem",
       "the broker's certificate \"CN=server-revoked\" is revoked, says crl.pem"},
      {"not yet revoked in an older list", "server-revoked", "crl-early.pem", "connected"},
      {"made for a client", "server-as-client", "",
       "the broker's certificate \"CN=server-as-client\" is not made for a TLS server (key usage)"},
      {"RSA of 1024 bits", "server-weak", "",
       "the broker's certificate \"CN=server-weak\" is signed with an algorithm or has a key that is too "
       "weak; needed "
       "are SHA-256 and RSA 2048 or EC P-256 at least"},
  };
  for (const auto& one : cases) {
    const OpensslServer server(
        lab, one.server, {"-cipher", "DEFAULT:@SECLEVEL=0", "-cert_chain", lab.file(one.chain + ".pem")});
    Target target{.port = server.port(), .options = lab.options()};
    if (!one.crl.empty()) target.options.crl = lab.file(one.crl);
    expect(one.name, *make_tls_client(), target, kLine, one.right);
  }
}

TEST_CASE("tls: servers that speak it differently") {
  if (!TlsLab::is_possible()) return;
  const std::string nothing_in_common =
      "the broker and we have no version of TLS or no cipher in common; it needs TLS 1.2 at least, and ECDHE "
      "with AES-GCM or ChaCha20-Poly1305";
  const TlsLab& lab = TlsLab::get();
  const struct {
    const char* name;
    std::vector<std::string> options;
    std::string right;
  } cases[] = {
      {"no cipher in common", {"-tls1_2", "-cipher", "AES128-SHA"}, nothing_in_common},
      {"TLS 1.1 only", {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}, nothing_in_common},
      {"ChaCha20 only", {"-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"}, "connected"},
      {"no tickets", {"-no_ticket"}, "connected"},
      {"handshake in pieces",
       {"-max_send_frag", "512", "-cert_chain", lab.file("server-deep.pem")},
       mbedtls_version().substr(0, 2) != "2."
           ? "connected"
           : "the broker sends its handshake in pieces that mbedTLS " + mbedtls_version() +
                 " cannot put together; let it send fewer certificates, or build with mbedTLS 3.6.3"},
  };
  for (const auto& one : cases) {
    const OpensslServer server(lab, "server", one.options);
    expect(one.name, *make_tls_client(), {.port = server.port(), .options = lab.options()}, kLine, one.right);
  }
  const OpensslServer server(lab, "server", {"-alpn", "x-amzn-mqtt-ca"});
  LogLines log;
  Target target{.port = server.port(), .options = lab.options()};
  target.options.alpn = {"mqtt", "x-amzn-mqtt-ca"};
  expect("ALPN", *make_tls_client(), target, kLine, "connected");
  CHECK(log.last("link.tls").find(", ALPN x-amzn-mqtt-ca, ") != std::string::npos);
  target.options.alpn.clear();
  expect("goodbye in the middle", *make_tls_client(), target, "CLOSE\n", "the broker closed the connection");
}

TEST_CASE("tls: TLS 1.3 only is a matter of the mbedTLS in the build") {
  if (!TlsLab::is_possible()) return;
  const TlsLab& lab = TlsLab::get();
  const OpensslServer server(lab, "server", {"-tls1_3"});
  Target target{.port = server.port(), .options = lab.options()};
  const bool has_it = mbedtls_version().substr(0, 2) != "2.";
  expect(
      "TLS 1.3 only", *make_tls_client(), target, kLine,
      has_it
          ? "connected"
          : "the broker speaks no version of TLS that we allow; it needs 1.2 at least (tls.minimum_version)");
  target.options.minimum_version = TlsVersion::k13;
  expect("tls.minimum_version 1.3", *make_tls_client(), target, kLine,
         has_it ? "connected"
                : "tls.minimum_version is 1.3, but this build's mbedTLS " + mbedtls_version() +
                      " speaks TLS 1.2 at most; write \"1.2\", or build with mbedTLS 3.6");
}

/// A server that takes one connection, reads the client's first words, says `answer` and closes; or stays.
void expect_answer(const char* name, const std::string& answer, bool closes, const std::string& right,
                   bool is_secure = true) {
  const TcpListener listener;
  Descriptor kept;
  std::thread server([&] {
    Descriptor socket = listener.accept();
    char words[2048];
    (void)::recv(socket.number(), words, sizeof words, 0);
    (void)::send(socket.number(), answer.data(), answer.size(), MSG_NOSIGNAL);
    if (!closes) kept = std::move(socket);
  });
  expect(name, *make_tls_client(),
         {.port = listener.port(),
          .is_secure = is_secure,
          .options = TlsLab::get().options(),
          .timeout = closes ? seconds(20) : kShortly},
         kLine, right);
  server.join();
}

std::string alert(char number) { return std::string("\x15\x03\x03\x00\x02\x02", 6) + number; }

TEST_CASE("tls: servers that are none, or fall silent") {
  if (!TlsLab::is_possible()) return;
  const std::string not_tls =
      "the broker answered with something that is not TLS; is this port for mqtt:// without TLS?";
  expect_answer("speaks HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", true, not_tls);
  expect_answer("speaks MQTT", std::string("\x20\x02\x00\x00", 4), true, not_tls);
  expect_answer(
      "closes at once", "", true,
      "the broker closed the connection instead of answering the TLS handshake; is this port for mqtt:// "
      "without TLS?");
  expect_answer("says nothing", "", false,
                "the broker took the connection but did not answer the TLS handshake within 300 ms; is this "
                "port for TLS?");
  expect_answer("falls silent", std::string("\x16\x03\x03\x00\x40\x02\x00", 7), false,
                "the broker fell silent in the middle of the TLS handshake, and 300 ms were over");
  expect_answer("closes in the middle", std::string("\x16\x03\x03\x00\x40\x02\x00", 7), true,
                "the broker closed the connection in the middle of the TLS handshake");
  expect_answer(
      "nonsense in a TLS record", std::string("\x16\x03\x03\x00\x04\x7f\x00\x00\x00", 9), true,
      "the TLS handshake failed: SSL - Processing of the ServerHello handshake message failed (-0x7980)");
  expect_answer("does not know the name", alert(112), true,
                "the broker does not know the name that we asked for (unrecognized_name): \"localhost\"");
  expect_answer("demands more security", alert(71), true,
                "the broker demands stronger cryptography than we have (insufficient_security)");
  expect_answer("has an error of its own", alert(80), true,
                "the broker has an internal error (internal_error)");
  expect_answer("an alert that nobody knows", alert(99), true,
                "the broker ended the TLS handshake with alert 99");

  const Mosquitto plain;
  Target target{.port = plain.port(), .options = TlsLab::get().options()};
  expect("mqtts:// to a port without TLS", *make_tls_client(), target, mqtt_connect(),
         "the broker closed the connection instead of answering the TLS handshake; is this port for mqtt:// "
         "without "
         "TLS?");
  target.port = 1;
  target.host = "127.0.0.1";
  expect("nobody listens", *make_tls_client(), target, kLine, "127.0.0.1:PORT refused the connection");
  target.host = "no-such-host.invalid";
  CHECK(
      attempt(*make_tls_client(), target, kLine).find("the name \"no-such-host.invalid\" was not resolved") ==
      0);

  const OpensslServer server(TlsLab::get(), "server");
  expect("mqtt:// to a port with TLS", *make_tls_client(), {.port = server.port(), .is_secure = false},
         mqtt_connect(),
         "the broker closed the connection before it said anything; is this a port for TLS (mqtts://)?");
  expect_answer("the same, and it objects", alert(70), true,
                "localhost:PORT speaks TLS on this port; write mqtts:// in front of it", /*is_secure=*/false);
}

TEST_CASE("tls: an ALPN that the server does not like") {
  if (!TlsLab::is_possible()) return;
  const TcpListener listener;
  std::thread server([&] {
    const Descriptor socket = listener.accept();
    char words[2048];
    (void)::recv(socket.number(), words, sizeof words, 0);
    (void)::send(socket.number(), alert(120).data(), 7, MSG_NOSIGNAL);
  });
  Target target{.port = listener.port(), .options = TlsLab::get().options()};
  target.options.alpn = {"mqtt"};
  expect("ALPN refused", *make_tls_client(), target, kLine,
         "the broker speaks none of the protocols that we offer (tls.alpn): \"mqtt\"");
  server.join();
}

TEST_CASE("tls: files that are no good are refused before anything is sent") {
  if (!TlsLab::is_possible()) return;
  const TlsLab& lab = TlsLab::get();
  namespace fs = std::filesystem;
  std::ofstream(lab.file("garbage")) << "this is no certificate\n";
  std::ofstream(lab.file("empty")).close();
  fs::copy_file(lab.file("client.key"), lab.file("open.key"), fs::copy_options::overwrite_existing);
  fs::permissions(lab.file("garbage"), fs::perms::owner_read);
  fs::permissions(lab.file("open.key"), fs::perms::owner_read | fs::perms::others_read);
  ChildProcess locker({"openssl", "pkey", "-in", lab.file("client.key"), "-aes256", "-passout", "pass:x",
                       "-out", lab.file("locked.key")},
                      "/dev/null");
  REQUIRE(locker.wait() == 0);
  const auto with = [&lab](std::string TlsOptions::*which, const char* file) {
    return [&lab, which, file](Target& target) { target.options.*which = lab.file(file); };
  };
  const std::string no_pem =
      " in PEM or DER form: X509 - The CRT/CRL/CSR format is invalid, e.g. different type expected (-0x2180)";
  expect_all(
      {.port = 1, .options = lab.options("client")}, kLine,
      {{"CA missing", with(&TlsOptions::ca, "missing"),
        "the CA file missing cannot be read: No such file or directory"},
       {"CA empty", with(&TlsOptions::ca, "empty"), "the CA file empty is empty"},
       {"CA is something else", with(&TlsOptions::ca, "garbage"),
        "the CA file garbage holds no certificate" + no_pem},
       {"certificate is something else", with(&TlsOptions::certificate, "garbage"),
        "the certificate garbage is none" + no_pem},
       {"key of another certificate", with(&TlsOptions::key, "server.key"),
        "the private key server.key does not belong to the certificate client.pem"},
       {"key open to others", with(&TlsOptions::key, "open.key"),
        "the private key open.key is open to other users (mode 0404); give it to the user of the agent and "
        "nobody else: "
        "chmod 600"},
       {"key with a password", with(&TlsOptions::key, "locked.key"),
        "the private key locked.key has a password, which nobody could type into a device; store it without "
        "one: openssl "
        "pkey -in FILE -out FILE"},
       {"key is something else", with(&TlsOptions::key, "garbage"),
        "the private key garbage is none in PEM or DER form: PK - Invalid key tag or value (-0x3D00)"}});
}

}  // namespace
}  // namespace outrider
