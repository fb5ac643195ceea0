// SPDX-License-Identifier: Apache-2.0
#include "agent/secure/device_certificate.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>

#include "agent/base/log.h"
#include "tests/support/memory_file.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_identity.h"

namespace outrider {
namespace {

using std::chrono::days;
using std::chrono::hours;
using Kind = CertificateNotice::Kind;

const WallTime kNow{seconds(1'795'341'600)};  // 2026-11-22T10:00:00Z

/// A device with a certificate in a folder of its own, looked at as time goes by.
struct Device {
  Device() { options.certificate = directory.file("a.pem"), options.key = directory.file("a.key"); }

  void install(const TestIdentity& identity) const { identity.write(options.certificate, options.key); }
  void start() { certificate = std::make_unique<DeviceCertificate>(options, &memory); }
  std::optional<CertificateNotice> look(WallTime wall) {
    now += DeviceCertificate::kBetweenLooks;
    return certificate->look(now, wall);
  }

  TemporaryDirectory directory;
  TlsOptions options;
  MemoryFile memory;
  std::unique_ptr<DeviceCertificate> certificate;
  BootTime now{};
};

CertificateInfo ending(WallTime end) {
  CertificateInfo certificate;
  certificate.not_after = end;
  return certificate;
}

TEST_CASE("certificate: the steps to its end are 30, 7 and 1 days, and the end") {
  CHECK(expiry_step(ending(kNow + days(30) + seconds(1)), kNow) == ExpiryStep::kFar);
  CHECK(expiry_step(ending(kNow + days(30)), kNow) == ExpiryStep::kMonth);
  CHECK(expiry_step(ending(kNow + days(7)), kNow) == ExpiryStep::kWeek);
  CHECK(expiry_step(ending(kNow + days(1)), kNow) == ExpiryStep::kDay);
  CHECK(expiry_step(ending(kNow), kNow) == ExpiryStep::kDay);
  CHECK(expiry_step(ending(kNow - seconds(1)), kNow) == ExpiryStep::kOver);
  CHECK(days_left(ending(kNow + days(30) - seconds(1)), kNow) == 29);
  CHECK(days_left(ending(kNow - seconds(1)), kNow) == -1);
}

TEST_CASE("certificate: each step is told once, the last ones as critical") {
  Device device;
  device.install(TestIdentity("truck-17", kNow + days(40)));
  device.start();
  std::vector<std::string> told;
  for (WallTime wall = kNow; wall < kNow + days(43); wall += hours(6))
    if (const auto notice = device.look(wall))
      told.push_back(std::to_string(notice->days_left) + (notice->is_critical ? " critical" : " warning") +
                     (notice->kind == Kind::kExpired ? " expired" : ""));
  CHECK(told == std::vector<std::string>{"30 warning", "7 warning", "1 critical", "-1 critical expired"});
}

TEST_CASE("certificate: only the latest step is told after a long sleep, and its sentence says what to do") {
  Device device;
  device.install(TestIdentity("truck-17", kNow + days(5)));
  device.start();
  const auto notice = device.look(kNow);
  REQUIRE(notice);
  CHECK(
      notice->text ==
      "the certificate \"CN=truck-17\" expires in 5 days, at 2026-11-27T10:00:00.000Z; renew it before that");
  CHECK_FALSE(device.look(kNow + days(3)));
}

TEST_CASE("certificate: a step that was kept is not told again after a restart, another certificate's is") {
  Device device;
  device.install(TestIdentity("truck-17", kNow + days(5)));
  device.start();
  REQUIRE(device.look(kNow));
  device.start();
  REQUIRE(device.look(kNow));  // power was cut before the event was stored
  device.certificate->keep_told();
  device.start();
  CHECK_FALSE(device.look(kNow));
  CHECK(device.look(kNow + days(4) + hours(1)));
  device.install(TestIdentity("truck-17", kNow + days(5)));
  device.start();
  CHECK(device.look(kNow));
  for (const char* text : {"", "x", "x 3\n", "-----"}) {
    CAPTURE(text);
    device.memory.text = text;
    device.start();
    CHECK(device.look(kNow));
  }
}

TEST_CASE("certificate: a clock in 1970 tells nothing, the right time does") {
  Device device;
  device.install(TestIdentity("truck-17", kNow + days(5)));
  device.start();
  CHECK_FALSE(device.look(WallTime(seconds(1000))));
  CHECK(device.certificate->current());
  CHECK(device.look(kNow));
}

TEST_CASE("certificate: a new pair counts at the second look, and its end is watched from then on") {
  Device device;
  device.install(TestIdentity("old", kNow + days(5)));
  device.start();
  REQUIRE(device.look(kNow));
  device.install(TestIdentity("new", kNow + days(6)));
  CHECK_FALSE(device.look(kNow));
  CHECK(device.certificate->current()->subject == "CN=old");
  const auto renewed = device.look(kNow);
  REQUIRE(renewed);
  CHECK(renewed->kind == Kind::kRenewed);
  CHECK(renewed->text.find("\"CN=new\", good until 2026-11-28") != std::string::npos);
  const auto expires = device.look(kNow);
  REQUIRE(expires);
  CHECK(expires->kind == Kind::kExpires);
  CHECK_FALSE(device.look(kNow));
}

TEST_CASE(
    "certificate: a pair that does not fit leaves the one before in use, with one warning, until it fits") {
  std::vector<std::string> warnings;
  set_log_sink([&](LogLevel level, std::string_view line) {
    if (level == LogLevel::kWarning) warnings.emplace_back(line);
  });
  Device device;
  device.install(TestIdentity("old", kNow + days(300)));
  device.start();
  device.look(kNow);
  const TestIdentity next("new", kNow + days(400));
  next.write(device.options.certificate, device.directory.file("elsewhere.key"));
  for (int i = 0; i < 5; ++i) CHECK_FALSE(device.look(kNow));
  CHECK(device.certificate->current()->subject == "CN=old");
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("does not belong to the certificate") != std::string::npos);
  CHECK(warnings[0].find("the certificate of before stays in use") != std::string::npos);
  std::filesystem::remove(device.options.certificate);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(device.look(kNow));
  CHECK(warnings.size() == 2);
  device.install(next);
  CHECK_FALSE(device.look(kNow));
  CHECK(device.look(kNow)->kind == Kind::kRenewed);
  set_log_sink({});
}

TEST_CASE(
    "certificate: without one that is good there is nothing to tell, and the first good one is no renewal") {
  Device device;
  device.start();
  CHECK_FALSE(device.look(kNow));
  CHECK_FALSE(device.certificate->current());
  device.install(TestIdentity("truck-17", kNow + days(400)));
  CHECK_FALSE(device.look(kNow));
  CHECK(device.certificate->current());
}

}  // namespace
}  // namespace outrider
