#include "yun/app/settings.hpp"

#include <gtest/gtest.h>

#include "yun/app/server_options.hpp"
#include "yun/rpc/server.hpp"

using namespace std::chrono_literals;
using namespace yun;

namespace {

AppSettings load(std::vector<const char*> flags, std::map<std::string, std::string> variables = {}) {
  flags.insert(flags.begin(), "test");
  AppSettings settings;
  config::Loader loader({.program = "test", .argc = static_cast<int>(flags.size()), .argv = flags.data(), .environment = std::move(variables)});
  loader.bind(settings);
  const auto loaded = loader.load();
  EXPECT_TRUE(loaded.ok()) << loaded.error().message();
  return settings;
}

TEST(AppSettings, AreTheServersOwnDefaultsUntilTold) {
  const http::ServerOptions own;
  const http::ServerOptions told = app::server_options(AppSettings().http);
  EXPECT_EQ(told.header_timeout, own.header_timeout);
  EXPECT_EQ(told.idle_timeout, own.idle_timeout);
  EXPECT_EQ(told.body_timeout, own.body_timeout);
  EXPECT_EQ(told.request_timeout, own.request_timeout);
  EXPECT_EQ(told.stream_idle_timeout, own.stream_idle_timeout);
  EXPECT_EQ(told.max_connection_age, own.max_connection_age);
  EXPECT_EQ(told.ping_interval, own.ping_interval);
  EXPECT_EQ(told.head.max_head, own.head.max_head);
  EXPECT_EQ(told.head.max_headers, own.head.max_headers);
  EXPECT_EQ(told.max_body, own.max_body);
  EXPECT_EQ(told.max_connections, own.max_connections);
  EXPECT_EQ(told.max_requests_per_connection, own.max_requests_per_connection);
  EXPECT_EQ(told.h2_max_streams, own.h2_max_streams);
  EXPECT_EQ(AppSettings().rpc.max_message.bytes, rpc::ServerOptions().max_message);
}

TEST(AppSettings, LimitsAreFlagsAndVariables) {
  const AppSettings settings = load({"--http.max-body", "64KiB", "--http.max-connection-age=5m", "--http.max-streams", "7"}, {{"YUN_HTTP__MAX_HEAD", "16KiB"}});
  const http::ServerOptions told = app::server_options(settings.http);
  EXPECT_EQ(told.max_body, 64_KiB);
  EXPECT_EQ(told.max_connection_age, 5min);
  EXPECT_EQ(told.h2_max_streams, 7u);
  EXPECT_EQ(told.head.max_head, 16_KiB);
}

}  // namespace
