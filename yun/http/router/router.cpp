#include "yun/http/router/router.hpp"

#include <algorithm>

#include "yun/base/strings.hpp"
#include "yun/http/middleware/pipeline.hpp"

namespace yun::http {

namespace {

constexpr Method kInAllow[] = {Method::Get, Method::Post, Method::Put, Method::Delete, Method::Patch, Method::Connect, Method::Trace};

std::size_t index_of(Method method) { return static_cast<std::size_t>(method); }

/// The values keep their memory from request to request.
void fill_params(Request& request, const Route& route, const Tree::Captures& captures) {
  request.params.resize(captures.size);
  for (std::size_t i = 0; i < captures.size; ++i) {
    Request::Param& param = request.params[i];
    param.name = route.parameter_names[i];
    const std::string_view raw = captures.values[i];
    if (raw.find('%') == std::string_view::npos) {
      param.value.assign(raw);
    } else {
      auto decoded = percent_decode(raw);
      param.value = decoded ? std::move(*decoded) : std::string(raw);
    }
  }
}

}  // namespace

Operation& Routes::add(Method method, std::string_view pattern, std::shared_ptr<Handler> handler) {
  return router_->insert(method, prefix_ + std::string(pattern), std::move(handler), *this);
}

Routes& Routes::use(std::shared_ptr<Middleware> middleware) {
  middleware_.push_back(std::move(middleware));
  return *this;
}

Routes Routes::group(std::string_view prefix) const {
  Routes below;
  below.router_ = router_;
  below.prefix_ = prefix_ + std::string(prefix);
  below.tag_ = tag_;
  below.middleware_ = middleware_;
  return below;
}

Routes& Routes::tag(std::string name) {
  tag_ = std::move(name);
  return *this;
}

Router::Router(Options options) : options_(options) { router_ = this; }
Router::~Router() = default;

Operation& Router::insert(Method method, std::string_view pattern, std::shared_ptr<Handler> handler, const Routes& from) {
  auto route = std::make_unique<Route>();
  Route& added = *route;
  routes_.push_back(std::move(route));
  added.method = method;
  added.pattern = pattern;
  added.handler = from.middleware_.empty() ? std::move(handler) : std::make_shared<Pipeline>(from.middleware_, std::move(handler));
  if (!from.tag_.empty()) added.operation.tags.push_back(from.tag_);

  auto parsed = Pattern::parse(pattern);
  if (!parsed) {
    faults_.push_back(parsed.error().message());
    return added.operation;
  }
  added.pattern = parsed->text;
  added.parameter_names = parsed->parameters();
  const auto fresh = static_cast<std::uint32_t>(places_.size());
  const auto number = tree_.insert(*parsed, fresh);
  if (number == fresh) places_.push_back(std::make_unique<Place>());
  Place& place = *places_[number];
  Route*& slot = place.by_method[index_of(method)];
  if (slot) {
    faults_.push_back("route " + std::string(name(method)) + " \"" + added.pattern + "\" is taken by \"" + slot->pattern + "\"");
    return added.operation;
  }
  slot = &added;
  by_pattern_[added.pattern.data()] = &place;

  place.allow.clear();
  for (const Method allowed : kInAllow) {
    if (!place.by_method[index_of(allowed)]) continue;
    place.allow += place.allow.empty() ? "" : ", ";
    place.allow += name(allowed);
    if (allowed == Method::Get) place.allow += ", HEAD";
  }
  if (place.by_method[index_of(Method::Head)] && !place.by_method[index_of(Method::Get)]) place.allow += place.allow.empty() ? "HEAD" : ", HEAD";
  place.allow += place.allow.empty() ? "OPTIONS" : ", OPTIONS";
  return added.operation;
}

Result<void> Router::check() const {
  std::vector<std::string> faults = faults_;
  std::ranges::copy(services_.missing(), std::back_inserter(faults));
  for (const auto& route : routes_) {
    for (const auto& parameter : route->operation.parameters) {
      const bool unknown = parameter.in == Operation::In::Path && std::ranges::find(route->parameter_names, parameter.name) == route->parameter_names.end();
      if (unknown) faults.push_back("route \"" + route->pattern + "\": its handler asks for Path<\"" + parameter.name + "\">, the pattern has none");
    }
  }
  if (faults.empty()) return {};
  std::string message = faults.front();
  for (std::size_t i = 1; i < faults.size(); ++i) message += "; " + faults[i];
  Error error = invalid_argument(std::move(message));
  for (auto& fault : faults) error = std::move(error).with_violation("", std::move(fault));
  return error;
}

std::vector<const Route*> Router::routes() const {
  std::vector<const Route*> all;
  for (const auto& route : routes_) all.push_back(route.get());
  return all;
}

const Route* Router::choose(const Place& place, Method method) {
  const Route* route = place.by_method[index_of(method)];
  if (!route && method == Method::Head) route = place.by_method[index_of(Method::Get)];
  return route ? route : place.by_method[index_of(Method::Other)];
}

const Route* Router::find(Method method, std::string_view path, Tree::Captures& captures) const {
  const auto number = tree_.find(path, captures);
  return number == Tree::kNone ? nullptr : choose(*places_[number], method);
}

Task<void> Router::handle(Context& ctx, Request& request, Response& response) {
  Tree::Captures captures;
  const auto number = tree_.find(request.path, captures);
  if (number == Tree::kNone) {
    refuse(ctx, request, response, not_found("nothing is here").with_reason("route_not_found"));
    return {};
  }
  const Place& place = *places_[number];
  const Route* route = choose(place, request.method);
  if (!route) {
    refuse_method(ctx, request, response, place);
    return {};
  }
  request.route = route->pattern;
  fill_params(request, *route, captures);
  return route->handler->handle(ctx, request, response);
}

void Router::finished(Context& ctx, const Request& request, const Response& response, const Outcome& outcome) noexcept {
  if (request.route.empty()) return;
  const auto place = by_pattern_.find(request.route.data());
  if (place == by_pattern_.end()) return;
  if (const Route* route = choose(*place->second, request.method)) route->handler->finished(ctx, request, response, outcome);
}

void Router::refuse_method(Context& ctx, const Request& request, Response& response, const Place& place) {
  if (request.method == Method::Options) {
    response = Response::no_content();
  } else {
    const std::string method(request.method == Method::Other ? std::string_view(request.method_text) : name(request.method));
    refuse(ctx, request, response, unimplemented("the method " + method + " is not allowed here").with_http_status(405).with_reason("method_not_allowed"));
  }
  response.headers.set("allow", place.allow);
}

}  // namespace yun::http
