// The client against servers that are not ours: nghttpd (HTTP/2) and nginx (HTTP/1, TLS, ALPN). Certificates are made here.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "yun/http/client/channel.hpp"
#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::http;

namespace {

std::uint16_t free_port() {
  auto listener = *runtime::Listener::bind(*runtime::Address::parse("127.0.0.1:0"));
  return listener.address().port();
}

/// A temporary folder with some files and a self-signed certificate for localhost and 127.0.0.1.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "yun-client-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(path_ / "www");
    std::ofstream(path_ / "www/hello.txt") << "hello\n";
    std::ofstream big(path_ / "www/big.bin", std::ios::binary);
    for (int i = 0; i < 3'000'000; ++i) big.put(static_cast<char>(i * 7));
    const std::string command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
                                " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout '" + file("key.pem") + "' -out '" + file("cert.pem") + "' 2>/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// A server process, killed when this goes.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    if (!std::freopen("/dev/null", "w", stdout) || !std::freopen("/dev/null", "w", stderr)) ::_exit(126);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  ~Process() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

Task<Result<std::string>> body_of(Client& client, Context& ctx, std::string url) {
  YUN_TRY(response, co_await client.get(ctx, url));
  YUN_TRY(body, co_await response.body.all(ctx, 64_MiB));
  co_return std::to_string(response.status) + " " + std::string(body);
}

/// Waits until the server listens, then gets `url`.
Task<std::string> get_when_up(Client::Options options, std::string url) {
  Client client(std::move(options));
  Context root;
  Context ctx(root, 10s);
  for (;;) {
    auto body = co_await body_of(client, ctx, url);
    if (body) co_return std::move(*body);
    if (body.error().reason() != "upstream_connect") co_return body.error().to_string();
    auto slept = co_await runtime::sleep_for(ctx, 20ms);
    if (!slept) co_return "never up: " + body.error().to_string();
  }
}

Task<void> one(Client& client, Context& ctx, std::string url, int& well) {
  auto body = co_await body_of(client, ctx, url);
  if (body && *body == "200 hello\n") ++well;
}
Task<int> many(Client::Options options, std::string url, int count) {
  Client client(std::move(options));
  Context root;
  Context ctx(root, 20s);
  runtime::Scope scope;
  int well = 0;
  for (int i = 0; i < count; ++i) scope.spawn(one(client, ctx, url, well));
  co_await scope.join();
  co_return well;
}

Client::Options with(Http2 http2, std::string ca = "") {
  Client::Options options;
  options.http2 = http2;
  options.tls.ca_file = std::move(ca);
  return options;
}

std::string nginx_configuration(const Folder& folder, int plain, int tls) {
  return "daemon off; master_process off; pid " + folder.file("nginx.pid") + "; error_log /dev/null; events {}\n"
         "http { access_log off; client_body_temp_path " + folder.file("body") + "; proxy_temp_path " + folder.file("proxy") +
         "; fastcgi_temp_path " + folder.file("f") + "; uwsgi_temp_path " + folder.file("u") + "; scgi_temp_path " + folder.file("s") +
         "; gzip off; keepalive_requests 10; server { listen 127.0.0.1:" + std::to_string(plain) + "; listen 127.0.0.1:" + std::to_string(tls) +
         " ssl http2; ssl_certificate " + folder.file("cert.pem") + "; ssl_certificate_key " + folder.file("key.pem") + "; root " +
         folder.file("www") + "; } }\n";
}

}  // namespace

TEST(ClientLive, NghttpdOverPlainHttp2) {
  Folder folder;
  const auto port = std::to_string(free_port());
  Process server({"nghttpd", "--no-tls", "-a", "127.0.0.1", "-m", "20", "-d", folder.file("www"), port});
  const std::string base = "http://127.0.0.1:" + port;
  EXPECT_EQ(runtime::block_on(get_when_up(with(Http2::PriorKnowledge), base + "/hello.txt")), "200 hello\n");
  EXPECT_EQ(runtime::block_on(get_when_up(with(Http2::PriorKnowledge), base + "/big.bin")).size(), 3'000'004U);
  EXPECT_TRUE(runtime::block_on(get_when_up(with(Http2::PriorKnowledge), base + "/none")).starts_with("404 "));
  // 300 at once where a connection takes 20 streams: the others wait their turn or get a connection more.
  EXPECT_EQ(runtime::block_on(many(with(Http2::PriorKnowledge), base + "/hello.txt", 300)), 300);
}

TEST(ClientLive, NginxOverHttp1AndTls) {
  Folder folder;
  const auto plain = free_port();
  const auto tls = free_port();
  std::ofstream(folder.file("nginx.conf")) << nginx_configuration(folder, plain, tls);
  Process server({"nginx", "-c", folder.file("nginx.conf"), "-p", folder.file(".")});
  const std::string http = "http://127.0.0.1:" + std::to_string(plain);
  const std::string https = "https://localhost:" + std::to_string(tls);
  EXPECT_EQ(runtime::block_on(get_when_up(with(Http2::Off), http + "/hello.txt")), "200 hello\n");
  EXPECT_EQ(runtime::block_on(get_when_up(with(Http2::Off), http + "/big.bin")).size(), 3'000'004U);
  // nginx closes each connection after ten requests; none may fail for it.
  EXPECT_EQ(runtime::block_on(many(with(Http2::Off), http + "/hello.txt", 300)), 300);
  const auto certificate = folder.file("cert.pem");
  EXPECT_EQ(runtime::block_on(get_when_up(with(Http2::Off, certificate), https + "/hello.txt")), "200 hello\n");
  EXPECT_EQ(runtime::block_on(get_when_up(with(Http2::Negotiate, certificate), https + "/big.bin")).size(), 3'000'004U);
  // GOAWAY after ten requests on HTTP/2: what it had not looked at goes to a new connection.
  EXPECT_EQ(runtime::block_on(many(with(Http2::Negotiate, certificate), https + "/hello.txt", 60)), 60);
}

TEST(ClientLive, ACertificateOfNobodyKnownIsRefused) {
  Folder folder;
  const auto plain = free_port();
  const auto tls = free_port();
  std::ofstream(folder.file("nginx.conf")) << nginx_configuration(folder, plain, tls);
  Process server({"nginx", "-c", folder.file("nginx.conf"), "-p", folder.file(".")});
  const std::string answer = runtime::block_on(get_when_up(with(Http2::Negotiate), "https://localhost:" + std::to_string(tls) + "/hello.txt"));
  EXPECT_TRUE(answer.starts_with("UNAUTHENTICATED")) << answer;
}
