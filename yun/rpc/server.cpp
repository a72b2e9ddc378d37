#include "yun/rpc/server.hpp"

#include <algorithm>
#include <stdexcept>

#include "yun/rpc/server_state.hpp"
#include "yun/rpc/status.hpp"

namespace yun::rpc {
namespace {

constexpr std::string_view kContentType = "application/grpc";

}  // namespace

bool is_grpc(const http::Request& request) {
  std::string_view type = request.headers.get("content-type").value_or("");
  if (!type.starts_with(kContentType)) return false;
  type.remove_prefix(kContentType.size());
  if (type.starts_with("+proto")) type.remove_prefix(6);
  return type.empty() || type.front() == ';' || type.front() == ' ';
}

void Server::State::add(Service& service) {
  const std::string full_name(service.full_name());
  if (std::find(services.begin(), services.end(), full_name) != services.end()) {
    throw std::logic_error("rpc::Server: the service " + full_name + " is there already");
  }
  services.push_back(full_name);
  std::sort(services.begin(), services.end());
  health.set(full_name, true);
  for (const Method& method : service.methods()) {
    Entry entry;
    entry.service = &service;
    entry.method = method;
    entry.service_name = full_name;
    entry.path = "/" + full_name + "/" + std::string(method.name);
    entry.telemetry = MethodTelemetry(MethodTelemetry::Side::Server, options.registry, full_name, method.name);
    std::string path = entry.path;
    methods.emplace(std::move(path), std::move(entry));
  }
}

Server::Server(ServerOptions options) : state_(std::make_unique<State>(options)) {
  if (options.health) state_->add(state_->health.service());
  if (options.reflection) {
    state_->reflection = reflection_v1(state_->services);
    state_->reflection_alpha = reflection_v1alpha(state_->services);
    state_->add(*state_->reflection);
    state_->add(*state_->reflection_alpha);
  }
}

Server::~Server() = default;

void Server::add(Service& service) { state_->add(service); }

Health& Server::health() { return state_->health; }

Task<void> Server::handle(Context& ctx, http::Request& request, http::Response& response) {
  if (request.method != http::Method::Post) {
    response = http::Response::text(405, "");
    response.headers.set("allow", "POST");
    return {};
  }
  if (!is_grpc(request)) {
    response = http::Response::text(415, "");
    response.reason = "unsupported_media_type";
    return {};
  }
  response.status = 200;
  response.headers.set("content-type", kContentType);
  const auto found = state_->methods.find(std::string_view(request.path));
  if (found == state_->methods.end()) {
    state_->unknown.count(Code::Unimplemented);
    answer_status(response, unimplemented("no method " + request.path).with_reason("unknown_method"));
    return {};
  }
  const Entry& entry = found->second;
  request.route = entry.path;
  auto head = read_head(request.headers, state_->options);
  if (!head) {
    entry.telemetry.count(head.error().code());
    response.headers.set("grpc-accept-encoding", "identity,gzip");
    answer_status(response, head.error());
    return {};
  }
  if (entry.method.kind == Kind::Unary || entry.method.kind == Kind::ClientStream) {
    return run_single(entry, state_->options, ctx, request, response, *head);
  }
  start_stream(entry, state_->options, ctx, request, response, *head);
  return {};
}

}  // namespace yun::rpc
