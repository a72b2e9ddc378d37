#pragma once
// Router: which handler answers which method and path. See pattern.hpp for what a pattern may be.
//
//     Router router;
//     router.provide(store);
//     router.get("/api/users/{id}", [](Path<"id"> id, Store& store) { return store.find(*id); });
//     auto v1 = router.group("/v1");
//     v1.use(authenticate);
//     v1.post("/orders", create_order).summary("Places an order");
//     YUN_CHECK(router.check());          // every fault of every route at once
//
// Text beats a parameter, a parameter beats the rest. A trailing slash counts. HEAD is answered by GET's handler, OPTIONS with Allow,
// a known path with another method by 405 and Allow. Everything is added before the first request; from then on it is only read.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "yun/http/bind/handler.hpp"
#include "yun/http/middleware/middleware.hpp"
#include "yun/http/router/operation.hpp"
#include "yun/http/router/services.hpp"
#include "yun/http/router/tree.hpp"

namespace yun::http {

class Router;

/// Where routes are added: a router, or a group below a prefix with middleware of its own. A group is a value; its router must outlive it.
class Routes {
 public:
  /// `handler` is a typed handler (bind/handler.hpp). A bad pattern or one that is taken is told by Router::check().
  template <typename F>
  Operation& get(std::string_view pattern, F handler) {
    return on(Method::Get, pattern, std::move(handler));
  }
  template <typename F>
  Operation& post(std::string_view pattern, F handler) {
    return on(Method::Post, pattern, std::move(handler));
  }
  template <typename F>
  Operation& put(std::string_view pattern, F handler) {
    return on(Method::Put, pattern, std::move(handler));
  }
  template <typename F>
  Operation& patch(std::string_view pattern, F handler) {
    return on(Method::Patch, pattern, std::move(handler));
  }
  /// DELETE
  template <typename F>
  Operation& del(std::string_view pattern, F handler) {
    return on(Method::Delete, pattern, std::move(handler));
  }
  template <typename F>
  Operation& on(Method method, std::string_view pattern, F handler);

  /// An untyped handler for one method; Method::Other = every method that has no route of its own there.
  Operation& add(Method method, std::string_view pattern, std::shared_ptr<Handler> handler);
  /// Every method of `pattern` to one handler: mount("/shop.v1.UserService/{method}", rpc).
  Operation& mount(std::string_view pattern, std::shared_ptr<Handler> handler) { return add(Method::Other, pattern, std::move(handler)); }

  /// Before and behind the routes that are added here, or in groups made here, from now on; in the order of these calls.
  Routes& use(std::shared_ptr<Middleware> middleware);
  Routes group(std::string_view prefix) const;
  /// For documents: the tag of routes added here from now on.
  Routes& tag(std::string name);

 protected:
  friend class Router;
  Routes() = default;
  Router* router_ = nullptr;
  std::string prefix_;
  std::string tag_;
  std::vector<std::shared_ptr<Middleware>> middleware_;
};

class Router final : public Handler, public Routes {
 public:
  struct Options {
    std::size_t body_limit = 10u << 20;  ///< bytes of a JSON body (Json<T>) where the route says nothing
  };
  Router() : Router(Options{}) {}
  explicit Router(Options options);
  ~Router() override;
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// Handlers that ask for a `T&` get this one; it must outlive the router.
  template <typename T>
  Router& provide(T& service) {
    services_.provide(service);
    return *this;
  }

  /// Ok, or InvalidArgument with every bad pattern, conflict and missing service. Call it before serving.
  Result<void> check() const;
  /// In order of adding.
  std::vector<const Route*> routes() const;

  Task<void> handle(Context& ctx, Request& request, Response& response) override;
  void finished(Context& ctx, const Request& request, const Response& response, const Outcome& outcome) noexcept override;

  /// The route for a method and normalised path, null if there is none; `captures` as in Tree. What handle() uses, for benches and tests.
  const Route* find(Method method, std::string_view path, Tree::Captures& captures) const;

 private:
  friend class Routes;
  static constexpr std::size_t kMethods = static_cast<std::size_t>(Method::Other) + 1;
  struct Place {
    std::array<Route*, kMethods> by_method{};
    std::string allow;
  };
  Operation& insert(Method method, std::string_view pattern, std::shared_ptr<Handler> handler, const Routes& from);
  static const Route* choose(const Place& place, Method method);
  void refuse_method(Context& ctx, const Request& request, Response& response, const Place& place);

  Options options_;
  Services services_;
  Tree tree_;
  std::vector<std::unique_ptr<Place>> places_;
  std::vector<std::unique_ptr<Route>> routes_;
  std::unordered_map<const char*, const Place*> by_pattern_;
  std::vector<std::string> faults_;
};

template <typename F>
Operation& Routes::on(Method method, std::string_view pattern, F handler) {
  auto bound = std::make_shared<BoundHandler<F>>(std::move(handler));
  Operation& operation = add(method, pattern, bound);
  bound->describe(operation);
  bound->attach(router_->services_, std::string(name(method)) + " " + prefix_ + std::string(pattern), operation, router_->options_.body_limit);
  return operation;
}

}  // namespace yun::http
