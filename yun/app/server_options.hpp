#pragma once
// The service port's options from what the program was told. Internal to the room.

#include "yun/app/settings.hpp"
#include "yun/http/server/options.hpp"

namespace yun::app {

inline http::ServerOptions server_options(const AppSettings::Http& told) {
  http::ServerOptions options;
  options.header_timeout = told.header_timeout;
  options.idle_timeout = told.idle_timeout;
  options.body_timeout = told.body_timeout;
  options.request_timeout = told.request_timeout;
  options.stream_idle_timeout = told.stream_idle_timeout;
  options.max_connection_age = told.max_connection_age;
  options.ping_interval = told.ping_interval;
  options.head.max_head = told.max_head.bytes;
  options.head.max_headers = told.max_headers;
  options.max_body = told.max_body.bytes;
  options.max_connections = told.max_connections;
  options.max_requests_per_connection = told.max_requests_per_connection;
  options.h2_max_streams = told.max_streams;
  return options;
}

}  // namespace yun::app
