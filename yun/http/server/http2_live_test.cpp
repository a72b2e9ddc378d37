// The server against clients that are not ours: curl and nghttp, over h2c and TLS. Skipped where they are not installed.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "yun/http/problem.hpp"
#include "yun/http/server/testing.hpp"
#include "yun/http/tls/tls.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http::server {
namespace {

struct Ran {
  int code = -1;
  std::string output;
};

Ran run(const std::string& command) {
  Ran ran;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return ran;
  std::array<char, 4096> bytes;
  while (const std::size_t count = std::fread(bytes.data(), 1, bytes.size(), pipe)) ran.output.append(bytes.data(), count);
  ran.code = ::pclose(pipe);
  return ran;
}

bool has(const char* program) { return std::system(("command -v " + std::string(program) + " >/dev/null 2>&1").c_str()) == 0; }

Task<Result<void>> three_pieces(Context& ctx, BodyWriter& out) {
  for (const std::string_view piece : {"one ", "two ", "three"}) {
    YUN_CHECK(co_await out.write(ctx, piece));
    YUN_CHECK(co_await runtime::sleep_for(ctx, std::chrono::milliseconds(1)));
  }
  out.set_trailer("x-sum", "3");
  co_return Result<void>();
}

Task<void> echo(Context& ctx, Request& request, Response& response) {
  auto all = co_await request.body.all(ctx, 64 << 20);
  if (all) {
    response.body.assign(*all);
  } else {
    response = problem(ctx, all.error());
  }
}

Task<void> later(Context& ctx, Request&, Response& response) {
  auto slept = co_await runtime::sleep_for(ctx, std::chrono::milliseconds(5));
  response.body.assign(slept ? "later" : "cancelled");
}

Task<void> serve(Context& ctx, Request& request, Response& response) {
  if (request.path == "/later") return later(ctx, request, response);
  if (request.path == "/echo") return echo(ctx, request, response);
  if (request.path == "/stream") response.stream = make_producer(&three_pieces);
  if (request.path == "/trailers") {
    response.body.assign("whole");
    response.trailers.set("grpc-status", "0");
  }
  if (request.path == "/large") response.body = Body(std::string(5'000'000, 'x'));
  if (request.path == "/") response.body.assign(request.authority + " " + request.query);
  return {};
}

std::string url(const TestServer& server, std::string_view path) { return "http://" + server.address.to_string() + std::string(path); }

class Http2 : public testing::Test {
 protected:
  void SetUp() override {
    if (!has("curl") || !has("nghttp")) GTEST_SKIP() << "curl and nghttp are not installed";
  }
  std::string curl(std::string_view arguments) { return run("curl -sS -m 20 --http2-prior-knowledge " + std::string(arguments)).output; }
};

TEST_F(Http2, AnswersCurl) {
  TestServer server(serve);
  EXPECT_EQ(curl("'" + url(server, "/?a=b") + "'"), server.address.to_string() + " a=b");
  EXPECT_EQ(curl(url(server, "/later")), "later");
  EXPECT_EQ(curl("-w '%{http_version}' " + url(server, "/stream")), "one two three2");
  EXPECT_EQ(curl("-o /dev/null -w '%{size_download}' " + url(server, "/large")), "5000000");
  EXPECT_NE(curl("-I " + url(server, "/large")).find("content-length: 5000000"), std::string::npos);
}

TEST_F(Http2, TakesBodiesLargerThanItsWindows) {
  TestServer server(serve);
  const std::string file = testing::TempDir() + "yun_h2_upload";
  std::ofstream(file) << std::string(3'000'000, 'u') << "end";
  EXPECT_EQ(run("curl -sS -m 20 --http2-prior-knowledge --data-binary @" + file + " " + url(server, "/echo") + " | cmp - " + file).code, 0);
  EXPECT_EQ(run("cat " + file + " | curl -sS -m 20 --http2-prior-knowledge -T - " + url(server, "/echo") + " | cmp - " + file).code, 0) << "of unknown length";
  EXPECT_EQ(curl("-d small " + url(server, "/echo")), "small");
  std::filesystem::remove(file);
}

TEST_F(Http2, RefusesABodyOverItsLimit) {
  ServerOptions options;
  options.max_body = 1000;
  TestServer server(serve, options);
  const std::string file = testing::TempDir() + "yun_h2_over";
  std::ofstream(file) << std::string(5000, 'u');
  EXPECT_EQ(curl("-o /dev/null -w '%{http_code}' --data-binary @" + file + " " + url(server, "/echo")), "413");
  std::filesystem::remove(file);
}

TEST_F(Http2, SendsTrailers) {
  TestServer server(serve);
  EXPECT_NE(run("nghttp -v " + url(server, "/trailers")).output.find("grpc-status: 0"), std::string::npos);
  EXPECT_NE(run("nghttp -v " + url(server, "/stream")).output.find("x-sum: 3"), std::string::npos);
}

TEST_F(Http2, RefusesWhatHttp1Would) {
  TestServer server(serve);
  const std::string code = "-o /dev/null -w '%{http_code}' ";
  EXPECT_EQ(curl(code + "'" + url(server, "/a%2fb") + "'"), "400");
  EXPECT_EQ(curl(code + "--path-as-is '" + url(server, "/../b") + "'"), "400");
  EXPECT_EQ(curl(code + "-H 'x_y: 1' " + url(server, "/")), "400");
  EXPECT_EQ(curl(code + "-H 'x-long: " + std::string(9000, 'v') + "' " + url(server, "/")), "431");
  EXPECT_EQ(curl(code + "'" + url(server, "/" + std::string(9000, 'v')) + "'"), "414");
  EXPECT_EQ(server.handler.handled, 0);
}

TEST_F(Http2, ManyStreamsOnOneConnection) {
  if (!has("h2load")) GTEST_SKIP() << "h2load is not installed";
  TestServer server(serve);
  const std::string output = run("h2load -c 2 -m 50 -n 2000 " + url(server, "/later")).output;
  EXPECT_NE(output.find("2000 succeeded, 0 failed, 0 errored, 0 timeout"), std::string::npos) << output;
  server.stop();
  EXPECT_EQ(server.handler.handled, 2000);
  EXPECT_EQ(server.handler.ended, 2000);
  EXPECT_EQ(server.handler.broken, 0);
}

TEST_F(Http2, AClientThatGoesCancelsItsStreams) {
  std::atomic<bool> cancelled{false};
  struct Wait {
    static Task<void> run(Context& ctx, std::atomic<bool>& flag) {
      auto slept = co_await runtime::sleep_for(ctx, std::chrono::hours(1));
      flag = !slept && slept.error().code() == Code::Cancelled;
      flag.notify_all();
    }
  };
  ServerOptions options;
  options.request_timeout = std::chrono::hours(1);
  TestServer server([&](Context& ctx, Request&, Response&) { return Wait::run(ctx, cancelled); }, options);
  const Ran ran = run("curl -sS -m 0.2 --http2-prior-knowledge " + url(server, "/"));
  EXPECT_NE(ran.code, 0);
  cancelled.wait(false);
  while (server.handler.ended == 0) std::this_thread::yield();
  EXPECT_EQ(server.handler.broken, 1);
}

TEST_F(Http2, SpeaksTlsOnlyOnATlsPort) {
  const std::string folder = testing::TempDir() + "yun_tls_test";
  std::filesystem::create_directories(folder);
  const std::string certificate = folder + "/tls.crt";
  const std::string key = folder + "/tls.key";
  ASSERT_EQ(run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost -addext "
                "subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " + key + " -out " + certificate).code, 0);
  ServerOptions options;
  auto context = tls::TlsContext::server({.certificate_file = certificate, .key_file = key});
  ASSERT_TRUE(context.ok());
  options.tls = *context;
  TestServer server(serve, options);
  const std::string at = "https://localhost:" + std::to_string(server.address.port());
  const std::string base = "curl -sS -m 20 --cacert " + certificate + " ";
  EXPECT_EQ(run(base + "-w ' %{http_version}' " + at + "/later").output, "later 2");
  EXPECT_EQ(run(base + "--http1.1 -w ' %{http_version}' " + at + "/later").output, "later 1.1");
  EXPECT_EQ(run(base + "--http1.1 -o /dev/null -w '%{size_download}' " + at + "/large").output, "5000000");
  EXPECT_EQ(run(base + "-o /dev/null -w '%{size_download}' " + at + "/large").output, "5000000");
  EXPECT_NE(run("curl -sS -m 5 " + url(server, "/")).code, 0) << "plaintext";
  EXPECT_NE(run("curl -sS -m 5 " + at + "/").code, 0) << "a certificate nobody vouches for";
  EXPECT_TRUE((*context)->reload().ok());
  std::filesystem::remove_all(folder);
  EXPECT_FALSE((*context)->reload().ok());
  EXPECT_EQ(run("curl -sSk -m 20 " + at + "/later").output, "later") << "the old one is kept";
}

TEST_F(Http2, AsksCurlForItsCertificate) {
  const std::string folder = testing::TempDir() + "yun_mtls_test";
  std::filesystem::create_directories(folder);
  const auto at = [&folder](std::string_view name) { return folder + "/" + std::string(name); };
  // Two authorities, each with a certificate it has signed; the first one's is the server's too.
  for (const std::string who : {"ours", "theirs"}) {
    const std::string key = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";
    ASSERT_EQ(run(key + "-x509 -days 1 -subj /CN=" + who + " -keyout " + at(who + "-ca.key") + " -out " + at(who + "-ca.crt")).code, 0);
    ASSERT_EQ(run(key + "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout " + at(who + ".key") + " -out " + at(who + ".csr")).code, 0);
    ASSERT_EQ(run("openssl x509 -req -days 1 -copy_extensions copy -in " + at(who + ".csr") + " -CA " + at(who + "-ca.crt") + " -CAkey " + at(who + "-ca.key") +
                  " -out " + at(who + ".crt")).code, 0);
  }
  auto context = tls::TlsContext::server({.certificate_file = at("ours.crt"),
                                          .key_file = at("ours.key"),
                                          .client_certificates = tls::ClientCertificates::Required,
                                          .client_ca_file = at("ours-ca.crt")});
  ASSERT_TRUE(context.ok());
  ServerOptions options;
  options.tls = *context;
  TestServer server(serve, options);
  const std::string curl = "curl -sS -m 20 --cacert " + at("ours-ca.crt") + " https://localhost:" + std::to_string(server.address.port()) + "/later ";
  for (const std::string version : {"--http1.1 ", "--http2 "}) {
    EXPECT_EQ(run(curl + version + "--cert " + at("ours.crt") + " --key " + at("ours.key")).output, "later") << version;
    EXPECT_NE(run(curl + version).code, 0) << "none given, " << version;
    EXPECT_NE(run(curl + version + "--cert " + at("theirs.crt") + " --key " + at("theirs.key")).code, 0) << "of another authority, " << version;
  }
  server.stop();
  EXPECT_EQ(server.handler.handled, 2);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace yun::http::server
