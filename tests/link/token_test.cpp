// Tokens: proved without being said, bound to one connection, and not to be guessed; and what the audit says of all that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "heatbath/open.hpp"
#include "heatbath/view.hpp"
#include "link/token_proof.hpp"
#include "raw_client.hpp"
#include "refusal.hpp"
#include "served.hpp"

namespace heatbath {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::RawClient;
using testing::refusal;
using testing::Served;
using Clock = std::chrono::steady_clock;

constexpr const char* small = "func:cells=6&threads=1";
constexpr const char* secret = "correct horse battery";

/// A token file and others, removed at the end.
class Tokens : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!proves_tokens()) GTEST_SKIP() << "this build has no library of hashes";
  }
  void TearDown() override {
    for (const std::string& file : files_) ::unlink(file.c_str());
  }
  std::string file(const std::string& content = {}) {
    files_.push_back("/tmp/" + testing::unique_name() + ".token");
    if (!content.empty()) std::ofstream(files_.back()) << content << "\n";
    return files_.back();
  }

 private:
  std::vector<std::string> files_;  // before those that are made with it

 protected:
  std::string right = file(secret), wrong = file("correct horse batterz");
};

std::string hex(const wire::Proof& proof) {
  std::string text;
  for (const std::byte byte : proof) {
    char pair[3];
    std::snprintf(pair, sizeof pair, "%02x", std::to_integer<unsigned>(byte));
    text += pair;
  }
  return text;
}

TEST_F(Tokens, AProofIsHmacSha256) {
  // By Python: hmac.new(token, b"heatbath hello 2\0" + bytes(range(32)) + struct.pack("<HHHHII", 2, 1, 5, 1, 0xB7239F28, 0), "sha256").
  wire::Nonce nonce;
  for (std::size_t k = 0; k < nonce.size(); ++k) nonce[k] = static_cast<std::byte>(k);
  wire::Hello hello;
  hello.map_major = 1;
  hello.map_minor = 5;
  hello.role = wire::Role::viewer;
  hello.map_hash = 0xB7239F28;
  EXPECT_EQ(hex(token_proof(secret, nonce, hello)), "c10ebca27ba58ccf61554d60ed446ba8daa5a076006977646b269541ae2817cd");
  EXPECT_EQ(hex(token_proof(std::string(100, 'x'), nonce, hello)), "7a556ab636bfaf16cc8aba38f7ea7afd1afeab368d41bf5d8488f80172f2f37c");
  EXPECT_NE(fresh_nonce(), fresh_nonce());
}

/// What a client with the token says to whoever answers its hello with this nonce.
std::string heard_from_client(const std::string& token_file, const wire::Nonce& nonce) {
  const std::string path = "/tmp/" + testing::unique_name();
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  EXPECT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  EXPECT_EQ(::listen(listener, 1), 0);
  std::thread client([&] { EXPECT_THROW(open_link("unix:" + path + "?token_file=" + token_file), Error); });
  const int connection = ::accept(listener, nullptr, nullptr);
  std::string heard(sizeof(wire::Header) + sizeof(wire::Hello), '\0');
  EXPECT_EQ(::recv(connection, heard.data(), heard.size(), MSG_WAITALL), static_cast<ssize_t>(heard.size()));
  wire::Header challenge;
  challenge.kind = wire::Kind::challenge;
  challenge.length = nonce.size();
  ::send(connection, &challenge, sizeof challenge, MSG_NOSIGNAL);
  ::send(connection, nonce.data(), nonce.size(), MSG_NOSIGNAL);
  std::string proof(sizeof(wire::Header) + sizeof(wire::Proof), '\0');
  EXPECT_EQ(::recv(connection, proof.data(), proof.size(), MSG_WAITALL), static_cast<ssize_t>(proof.size()));
  ::close(connection);
  client.join();
  ::close(listener);
  ::unlink(path.c_str());
  return heard + proof;
}

TEST_F(Tokens, DoNotTravel) {
  wire::Nonce nonce{};
  const std::string heard = heard_from_client(right, nonce);
  EXPECT_EQ(heard.find(secret), std::string::npos);
  EXPECT_EQ(heard.find("horse"), std::string::npos);
  wire::Hello hello;
  std::memcpy(&hello, heard.data() + sizeof(wire::Header), sizeof hello);
  wire::Proof proof;
  std::memcpy(proof.data(), heard.data() + heard.size() - sizeof proof, sizeof proof);
  EXPECT_EQ(proof, token_proof(secret, nonce, hello));
  nonce[0] = std::byte{1};
  EXPECT_NE(proof, token_proof(secret, nonce, hello)) << "another connection, another proof";
}

/// Says hello for a role, gets the challenge and answers it. What becomes of it: the first frame after that.
RawClient::Frame answer(RawClient& client, const wire::Hello& said, const std::function<wire::Proof(const wire::Nonce&)>& prove) {
  client.hello(said);
  const auto challenge = client.receive(60000);
  EXPECT_TRUE(challenge && challenge->header.kind == wire::Kind::challenge && challenge->payload.size() == sizeof(wire::Nonce));
  wire::Nonce nonce{};
  if (challenge) std::memcpy(nonce.data(), challenge->payload.data(), nonce.size());
  const wire::Proof proof = prove(nonce);
  wire::Header header;
  header.kind = wire::Kind::proof;
  header.length = sizeof proof;
  client.send(header);
  client.send(proof.data(), proof.size());
  for (;;) {
    const auto frame = client.receive(60000);
    EXPECT_TRUE(frame);
    if (!frame || frame->header.kind != wire::Kind::queued) return frame.value_or(RawClient::Frame{});
  }
}

TEST_F(Tokens, AProofIsOfOneConnectionAndOneRole) {
  Served served(small, "unix", [&](ServerOptions& options) { options.token_file = right; });
  const wire::Hello owner = RawClient::right_hello();
  wire::Hello viewer = owner;
  viewer.role = wire::Role::viewer;
  wire::Proof old{};
  {
    RawClient client(served.uri());
    const auto frame = answer(client, owner, [&](const wire::Nonce& nonce) { return old = token_proof(secret, nonce, owner); });
    EXPECT_EQ(frame.header.kind, wire::Kind::welcome);
  }
  RawClient replaying(served.uri());
  EXPECT_EQ(answer(replaying, owner, [&](const wire::Nonce&) { return old; }).payload, "the token is wrong");
  RawClient changed(served.uri());
  EXPECT_EQ(answer(changed, owner, [&](const wire::Nonce& nonce) { return token_proof(secret, nonce, viewer); }).payload, "the token is wrong")
      << "a viewer's proof is no owner's";
  RawClient looking(served.uri());
  EXPECT_EQ(answer(looking, viewer, [&](const wire::Nonce& nonce) { return token_proof(secret, nonce, viewer); }).header.kind, wire::Kind::welcome);
  RawClient mute(served.uri());
  mute.hello(owner);
  wire::Header header;
  header.kind = wire::Kind::read32;
  mute.send(header);
  EXPECT_THAT(mute.why_sent_away(), HasSubstr("the answer to a challenge is a proof of 32 bytes"));
}

TEST_F(Tokens, WhoSaysNothingToAChallengeIsSentAway) {
  Served served(small, "unix", [&](ServerOptions& options) {
    options.token_file = right;
    options.handshake_limit = 300ms;
  });
  RawClient client(served.uri());
  client.hello(RawClient::right_hello());
  EXPECT_THAT(client.why_sent_away(), HasSubstr("no proof of the token within 300 ms"));
}

TEST_F(Tokens, CannotBeTriedForLong) {
  Served served(small, "tcp", [&](ServerOptions& options) {
    options.token_file = right;
    options.wrong_tokens = 3;
    options.wrong_token_time = std::chrono::hours(1);
  });
  const auto open_with = [&](const std::string& token) { open_link(served.uri() + "?token_file=" + token); };
  for (int k = 0; k < 3; ++k) {
    open_with(right);
    EXPECT_THAT(refusal(HB_BAD_ARG, [&] { open_with(wrong); }), HasSubstr("the token is wrong")) << k;
  }
  EXPECT_THAT(refusal(HB_BUSY, [&] { open_with(wrong); }), HasSubstr("too many wrong tokens"));
  EXPECT_THAT(refusal(HB_BUSY, [&] { open_with(right); }), HasSubstr("too many wrong tokens")) << "or each try would tell something";
}

TEST_F(Tokens, AreHeardAgainAfterAWhile) {
  Served served(small, "unix", [&](ServerOptions& options) {
    options.token_file = right;
    options.wrong_tokens = 1;
    options.wrong_token_time = 200ms;
  });
  refusal(HB_BAD_ARG, [&] { open_link(served.uri() + "?token_file=" + wrong); });
  for (const auto end = Clock::now() + 60s;;) {
    try {
      open_link(served.uri() + "?token_file=" + right);
      break;
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), HB_BUSY) << error.what();
      ASSERT_LT(Clock::now(), end);
      std::this_thread::sleep_for(10ms);
    }
  }
}

TEST_F(Tokens, TheAuditHasALineForEachSessionViewerAndWrongToken) {
  const std::string audit = file();
  const auto lines = [&] {
    std::vector<std::string> all;
    std::ifstream in(audit);
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  };
  {
    Served served(small, "unix", [&](ServerOptions& options) {
      options.token_file = right;
      options.audit_file = audit;
    });
    const std::string uri = served.uri() + "?token_file=" + right;
    {
      Device device = open_link(uri);
      device.transport().read32(HB_SCRATCH_OFFSET);
    }
    refusal(HB_BAD_ARG, [&] { open_link(served.uri() + "?token_file=" + wrong); });
    View view(uri);
    view.look({});
    Device device = open_link(uri);  // after the first one's end
    served.stop();
  }
  const std::vector<std::string> all = lines();
  ASSERT_EQ(all.size(), 4u);
  const auto of = [&](const std::string& part) {
    return *std::find_if(all.begin(), all.end(), [&](const std::string& line) { return line.find(part) != std::string::npos; });
  };
  const std::string user = "\"peer\":\"user " + std::to_string(::getuid()) + ", process " + std::to_string(::getpid()) + "\"";
  for (const std::string& line : all) {
    EXPECT_THAT(line, HasSubstr(user));
    EXPECT_THAT(line, ::testing::MatchesRegex(R"(\{.*"began":"20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z","seconds":[0-9.]+,.*\})"));
  }
  EXPECT_THAT(of("\"session\",\"number\":1"), HasSubstr("\"token\":true"));
  EXPECT_THAT(of("\"session\",\"number\":1"), HasSubstr("\"ended\":\"the client closed it\",\"by_server\":false"));
  EXPECT_THAT(of("\"session\",\"number\":1"), ::testing::Not(HasSubstr("\"requests\":0,")));
  EXPECT_THAT(of("\"session\",\"number\":2"), HasSubstr("\"ended\":\"the server stops\",\"by_server\":true"));
  EXPECT_THAT(of("\"refused\""), HasSubstr("\"token\":false"));
  EXPECT_THAT(of("\"refused\""), HasSubstr("wrong token"));
  EXPECT_THAT(of("\"viewer\",\"number\":1"), HasSubstr("\"requests\":1,"));
  struct stat about {};
  ASSERT_EQ(::stat(audit.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);
  EXPECT_THAT(refusal(HB_IO, [] { Server server({.device = small, .listen = testing::listening("unix"), .audit_file = "/nowhere/audit"}); }),
              HasSubstr("/nowhere/audit"));
}

}  // namespace
}  // namespace heatbath
