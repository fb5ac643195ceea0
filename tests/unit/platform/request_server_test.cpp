// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/request_server.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/base/log.h"
#include "platform/linux/request_client.h"
#include "tests/support/temporary_directory.h"

namespace outrider {
namespace {

constexpr milliseconds kLong{60'000};

/// What the agent's loop does, in a thread: answers everything by `answer` until the end of its block.
class Loop {
 public:
  Loop(RequestPort& port, Bell& bell, std::string answer = "yes\n")
      : port_(port), bell_(bell), answer_(std::move(answer)), thread_([this] { run(); }) {}
  ~Loop() {
    stop_ = true;
    bell_.ring();
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

 private:
  void run() {
    std::vector<Request> requests;
    while (!stop_) {
      bell_.wait(seconds(1));
      requests.clear();
      port_.take_requests(requests);
      for (const Request& request : requests) port_.reply(request.id, request.text + " " + answer_);
    }
  }

  RequestPort& port_;
  Bell& bell_;
  const std::string answer_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

/// A client that does as it likes.
class Client {
 public:
  explicit Client(const std::string& path) {
    Result<Descriptor> connected = connect_local(path, kLong);
    REQUIRE_MESSAGE(connected, (connected ? "" : connected.error().text));
    socket_ = std::move(*connected);
  }
  /// As much as the server takes; false once it has closed.
  bool say(std::string_view text) const {
    return ::send(socket_.number(), text.data(), text.size(), MSG_NOSIGNAL) >= 0 || errno == EAGAIN;
  }
  /// All lines until the server closes.
  std::string hear() const {
    std::string heard;
    std::array<char, 4096> chunk{};
    while (true) {
      pollfd wish{socket_.number(), POLLIN, 0};
      REQUIRE(::poll(&wish, 1, static_cast<int>(kLong.count())) == 1);
      const ssize_t count = ::recv(socket_.number(), chunk.data(), chunk.size(), 0);
      if (count <= 0) return heard;
      heard.append(chunk.data(), static_cast<std::size_t>(count));
    }
  }
  void finish_saying() const { REQUIRE(::shutdown(socket_.number(), SHUT_WR) == 0); }
  void leave() { socket_.reset(); }

 private:
  Descriptor socket_;
};

/// The next request, in the place of the loop.
Request next_request(RequestPort& port, Bell& bell) {
  std::vector<Request> requests;
  while (requests.empty()) {
    bell.wait(seconds(1));
    port.take_requests(requests);
  }
  REQUIRE(requests.size() == 1);
  return requests.front();
}

/// A socket file on which nobody listens: what a process that was killed leaves.
void leave_stale(const std::string& path) {
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

/// Keeps the log quiet, and what it said.
struct QuietLog {
  QuietLog() {
    set_log_sink([](LogLevel, std::string_view) {});
  }
  ~QuietLog() { set_log_sink({}); }
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;
  std::string last() const {
    const auto problems = recent_problems();
    return problems.empty() ? "" : problems.back().text;
  }
};

struct Post {
  explicit Post(RequestServerLimits limits = {}) : server(path, bell, limits) {}

  TemporaryDirectory directory;
  const std::string path = directory.file("agent.sock");
  Bell bell;
  RequestServer server;
};

}  // namespace

TEST_CASE("request server: a line in, lines out, and that is all") {
  Post post;
  const Loop loop(post.server, post.bell);
  const Result<std::string> answer = ask_agent(post.path, "how are you?");
  REQUIRE(answer);
  CHECK(*answer == "how are you? yes\n");
}

TEST_CASE("request server: an answer of many pages' size arrives whole") {
  Post post;
  const std::string long_answer(5U << 20U, 'x');
  const Loop loop(post.server, post.bell, long_answer);
  const Result<std::string> answer = ask_agent(post.path, "all");
  REQUIRE(answer);
  CHECK(*answer == "all " + long_answer);
}

TEST_CASE("request server: its file is for the owner only, whatever the umask, and gone with it") {
  TemporaryDirectory directory;
  const std::string path = directory.file("agent.sock");
  Bell bell;
  {
    const mode_t umask_before = ::umask(0);
    const RequestServer server(path, bell);
    ::umask(umask_before);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK(S_ISSOCK(status.st_mode));
    CHECK((status.st_mode & 0777) == 0600);
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("request server: what a killed process left is replaced") {
  TemporaryDirectory directory;
  const std::string path = directory.file("agent.sock");
  leave_stale(path);
  const Result<std::string> nobody = ask_agent(path, "x");
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().fault == Fault::kRetry);
  Bell bell;
  RequestServer server(path, bell);
  const Loop loop(server, bell);
  CHECK(ask_agent(path, "x"));
}

TEST_CASE(
    "request server: a second one leaves the first alone, says so, and takes over when the first has gone") {
  const QuietLog log;
  TemporaryDirectory directory;
  const std::string path = directory.file("agent.sock");
  Bell first_bell;
  Bell second_bell;
  auto first = std::make_unique<RequestServer>(path, first_bell);
  RequestServer second(path, second_bell, {.retry_after = milliseconds(10)});
  CHECK(log.last().find("another agent does; give each its own") != std::string::npos);
  {
    const Loop loop(*first, first_bell, "first\n");
    CHECK(*ask_agent(path, "who?") == "who? first\n");
  }
  first.reset();
  const Loop loop(second, second_bell, "second\n");
  Result<std::string> answer = ask_agent(path, "who?");
  while (!answer && answer.error().fault == Fault::kRetry) answer = ask_agent(path, "who?");
  REQUIRE(answer);
  CHECK(*answer == "who? second\n");
}

TEST_CASE(
    "request server: a file that is no socket stays, and so does one that another process put in its place") {
  const QuietLog log;
  TemporaryDirectory directory;
  const std::string path = directory.file("agent.sock");
  std::ofstream(path) << "precious";
  Bell bell;
  { const RequestServer server(path, bell); }
  CHECK(log.last().find("something that is no socket") != std::string::npos);
  CHECK(std::filesystem::file_size(path) == 8);

  const std::string other = directory.file("other.sock");
  {
    const RequestServer server(other, bell);
    std::filesystem::remove(other);
    leave_stale(other);
  }
  CHECK(std::filesystem::exists(other));
}

TEST_CASE("request server: where it cannot listen, nobody is kept from anything") {
  const QuietLog log;
  TemporaryDirectory directory;
  Bell bell;
  const std::string too_long = directory.file(std::string(200, 'x'));
  { const RequestServer server(too_long, bell); }
  CHECK(log.last().find("takes 1 to 107 bytes") != std::string::npos);
  CHECK(ask_agent(too_long, "x").error().text.find("takes 1 to 107 bytes") != std::string::npos);
  { const RequestServer server(directory.file("no/such/directory"), bell); }
  CHECK(log.last().find("No such file or directory") != std::string::npos);
}

TEST_CASE("request server: a line that is too long is refused, its end or not") {
  Post post({.patience = milliseconds(200)});
  const Client polite(post.path);
  const std::string line(10'000, 'x');
  CHECK(polite.say(line + "\n"));
  CHECK(polite.hear() == "{\"error\":\"the request is longer than 4096 bytes\"}\n");
  const Client endless(post.path);
  while (endless.say(line)) {
  }
  CHECK(endless.hear().empty());
}

TEST_CASE("request server: the longest line that is allowed passes, and what follows it is not looked at") {
  Post post;
  const Loop loop(post.server, post.bell);
  const std::string line(4096, 'x');
  const Client client(post.path);
  CHECK(client.say(line + "\nand more\n"));
  CHECK(client.hear() == line + " yes\n");
}

TEST_CASE("request server: half a line is no request, whether the client stays or goes") {
  Post post({.patience = milliseconds(50)});
  const Client silent(post.path);
  Client gone(post.path);
  const Client half(post.path);
  const Client finished(post.path);
  CHECK(gone.say("{\"ask\":"));
  gone.leave();
  CHECK(half.say("{\"ask\":"));
  CHECK(finished.say("{\"ask\":"));
  finished.finish_saying();
  CHECK(silent.hear().empty());
  CHECK(half.hear().empty());
  CHECK(finished.hear().empty());
  std::vector<Request> requests;
  post.server.take_requests(requests);
  CHECK(requests.empty());
}

TEST_CASE("request server: a client that closed its side after asking still gets its answer") {
  Post post;
  const Client client(post.path);
  CHECK(client.say("x\n"));
  client.finish_saying();
  const Loop loop(post.server, post.bell);
  CHECK(client.hear() == "x yes\n");
}

TEST_CASE("request server: a client that never takes its answer is left, and the loop never waits for it") {
  Post post({.most_clients = 1, .patience = milliseconds(50)});
  const Client deaf(post.path);
  CHECK(deaf.say("x\n"));
  const Request request = next_request(post.server, post.bell);
  post.server.reply(request.id, std::string(50U << 20U, 'x'));  // more than the system buffers
  const Loop loop(post.server, post.bell);
  CHECK(ask_agent(post.path, "next"));  // there is one place only: it was given up
  CHECK(deaf.hear().size() < 50U << 20U);
}

TEST_CASE(
    "request server: a client that went away before its answer, and an answer to nobody, cost nothing") {
  Post post;
  Client client(post.path);
  CHECK(client.say("x\n"));
  const Request request = next_request(post.server, post.bell);
  client.leave();
  post.server.reply(request.id, "too late\n");
  post.server.reply(request.id, "twice\n");
  post.server.reply(123'456, "to nobody\n");
  const Loop loop(post.server, post.bell);
  CHECK(ask_agent(post.path, "next"));
}

TEST_CASE("request server: requests of clients that went away do not pile up while the loop is busy") {
  Post post;
  for (int i = 0; i < 100; ++i) {
    Client client(post.path);
    CHECK(client.say("x\n"));
    client.finish_saying();
    post.bell.wait(kLong);  // it is there
    client.leave();
  }
  std::vector<Request> requests;
  post.server.take_requests(requests);
  CHECK(requests.size() <= RequestServerLimits().most_clients + 1);
}

TEST_CASE("request server: twenty clients at once are all served, idle ones do not keep the place") {
  Post post({.patience = milliseconds(100)});
  const Loop loop(post.server, post.bell);
  std::vector<Client> idle;
  idle.reserve(8);
  for (int i = 0; i < 8; ++i) idle.emplace_back(post.path);
  std::vector<Client> clients;
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back(post.path);
    CHECK(clients.back().say(std::to_string(i) + "\n"));
  }
  for (int i = 0; i < 12; ++i)
    CHECK(clients[static_cast<std::size_t>(i)].hear() == std::to_string(i) + " yes\n");
  for (const Client& client : idle) CHECK(client.hear().empty());
}

TEST_CASE("request server: its end is an end for whoever still waits") {
  TemporaryDirectory directory;
  const std::string path = directory.file("agent.sock");
  Bell bell;
  auto server = std::make_unique<RequestServer>(path, bell);
  const Client client(path);
  CHECK(client.say("x\n"));
  (void)next_request(*server, bell);
  server.reset();
  CHECK(client.hear().empty());
}

TEST_CASE("request client: nobody there, nobody who answers, and a broken answer each have their sentence") {
  TemporaryDirectory directory;
  const std::string path = directory.file("agent.sock");
  const Result<std::string> nobody = ask_agent(path, "x");
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().fault == Fault::kRetry);
  CHECK(nobody.error().text == "no agent is running on this socket (" + path +
                                   "); start it, or give --config or --state of the running one");
  Bell bell;
  RequestServer server(path, bell);
  const Result<std::string> silence = ask_agent(path, "x", milliseconds(20));
  REQUIRE_FALSE(silence);
  CHECK(silence.error().fault == Fault::kStop);
  CHECK(silence.error().text.find("did not answer within 20 ms") != std::string::npos);
}

TEST_CASE(
    "request server: a socket file that somebody removed is made again, and one of another agent is left "
    "alone") {
  const QuietLog quiet;
  const TemporaryDirectory directory;
  const std::string path = directory.file("socket");
  Bell bell;
  RequestServer server(path, bell, {.retry_after = milliseconds(10), .look_after = milliseconds(10)});
  const Loop loop(server, bell);
  REQUIRE(std::filesystem::remove(path));
  Result<std::string> answer = ask_agent(path, "still there?");
  for (int i = 0; !answer && i < 6000; ++i) {
    REQUIRE(answer.error().fault == Fault::kRetry);
    std::this_thread::sleep_for(milliseconds(10));  // the server's own pause
    answer = ask_agent(path, "still there?");
  }
  REQUIRE(answer);
  CHECK(*answer == "still there? yes\n");

  REQUIRE(std::filesystem::remove(path));
  Result<LocalListener> other = LocalListener::open(path);
  for (int i = 0; !other && i < 6000; ++i) {  // until we are faster
    std::filesystem::remove(path);
    other = LocalListener::open(path);
  }
  REQUIRE(other);
  for (int i = 0; i < 6000 && quiet.last().find("another agent does") == std::string::npos; ++i)
    std::this_thread::sleep_for(milliseconds(10));
  CHECK(quiet.last().find("another agent does") != std::string::npos);
  CHECK(other->is_in_place());
}

}  // namespace outrider
