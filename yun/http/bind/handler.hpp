#pragma once
// BoundHandler: an ordinary function as a Handler. Its parameters say what it needs, its return type what it gives.
//
//     User                          get_user(Path<"id"> id)
//     Result<Page>                  list(Query<"page", int, 1> page, Store& store)
//     Task<Result<Created<Order>>>  create(Context& ctx, Header<"idempotency-key"> key, Json<NewOrder> order, Store& store)
//
// Parameters, by value or const&: Path, Query, Header, Json (parameters.hpp); by reference: Context&, Request&, and any type given by
// Router::provide. Returns: void (204), T (200, JSON), std::string (text), Created<T> (201, Location), Response, Result<> of these,
// Task<> of these. Anything a function can be: a lambda, a function, &Store::find (then Store is such a service). A lambda lives as
// long as its router, so its captures are safe in a coroutine too.
//
// A handler that returns no Task costs no coroutine frame, unless it asks for Json and the body is still on its way.

#include <functional>
#include <memory>
#include <tuple>

#include "yun/http/bind/extract.hpp"
#include "yun/http/bind/render.hpp"
#include "yun/http/message.hpp"

namespace yun::http {

namespace detail {

/// Result and parameters of a function object.
template <typename F>
struct Signature : Signature<decltype(&F::operator())> {};
template <typename R, typename... P>
struct Signature<R (*)(P...)> {
  using Result = R;
  using Parameters = std::tuple<P...>;
};
template <typename R, typename... P>
struct Signature<R (*)(P...) noexcept> : Signature<R (*)(P...)> {};
template <typename R, typename C, typename... P>
struct Signature<R (C::*)(P...)> {
  using Result = R;
  using Class = C;
  using Parameters = std::tuple<P...>;
};
template <typename R, typename C, typename... P>
struct Signature<R (C::*)(P...) const> : Signature<R (C::*)(P...)> {};
template <typename R, typename C, typename... P>
struct Signature<R (C::*)(P...) noexcept> : Signature<R (C::*)(P...)> {};
template <typename R, typename C, typename... P>
struct Signature<R (C::*)(P...) const noexcept> : Signature<R (C::*)(P...)> {};

template <typename F>
concept HasSignature = std::is_pointer_v<F> || std::is_member_function_pointer_v<F> || requires { &F::operator(); };

template <typename F>
struct ParametersOf {
  using Type = typename Signature<F>::Parameters;
};
template <typename F>
  requires std::is_member_function_pointer_v<F>
struct ParametersOf<F> {
  using Class = typename Signature<F>::Class;
  using Type = decltype(std::tuple_cat(std::declval<std::tuple<Class&>>(), std::declval<typename Signature<F>::Parameters>()));
};

/// Extractors are chosen by value type for what is taken by value or const&, else by reference.
template <typename P>
using Plain = std::conditional_t<kIsHeld<std::remove_cvref_t<P>>, std::remove_cvref_t<P>, P>;

template <typename P>
inline constexpr bool kIsMutableHeld = kIsHeld<std::remove_cvref_t<P>> && std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>;

/// One complaint a parameter: the compiler names P, and the message says what is allowed.
template <typename P>
struct CheckParameter {
  static_assert(Extractor<Plain<P>>::kKnown,
                "this handler parameter (P) cannot be bound. Allowed: Path<\"name\", T>, Query<\"name\", T>, Header<\"name\", T> of text, numbers, bool, "
                "enums or times (Query and Header also std::optional of them), Json<T>, Context&, Request&, or Service& given by router.provide()");
  static_assert(!kIsMutableHeld<P>, "take Path, Query, Header and Json by value or const&");
  static constexpr bool kOk = Extractor<Plain<P>>::kKnown && !kIsMutableHeld<P>;
};

template <typename R>
struct CheckResult {
  static_assert(can_render<R>(),
                "this handler result (R) cannot be sent. Allowed: void, a JSON type, std::string, Created<T>, Response, Result<> of these, Task<> of these");
  static constexpr bool kOk = can_render<R>();
};

template <typename P, typename H>
decltype(auto) pass(H& holder) {
  if constexpr (requires { holder.object; })
    return static_cast<P>(*holder.object);
  else if constexpr (std::is_reference_v<P>)
    return static_cast<P>(holder);
  else
    return static_cast<P>(std::move(holder));
}

}  // namespace detail

template <typename F, typename R, typename... P>
class TypedHandler : public Handler {
 public:
  explicit TypedHandler(F function) : function_(std::move(function)) {}

  /// Looks up services; `who` names the route in complaints, `operation` outlives the handler's use.
  void attach(Services& services, std::string_view who, const Operation& operation, std::size_t body_limit) {
    operation_ = &operation;
    body_limit_ = body_limit;
    std::apply([&](auto&... extractor) { (extractor.attach(services, who), ...); }, extractors_);
  }
  static void describe(Operation& operation) {
    (Extract<P>::describe(operation), ...);
    detail::describe_answer<R>(operation);
  }

  Task<void> handle(Context& ctx, Request& request, Response& response) override {
    if constexpr (is_task<R>) {
      return wait(ctx, request, response);
    } else {
      if (kNeedsBody && !request.body.is_whole()) return wait(ctx, request, response);
      BindFaults faults;
      Holders holders;
      if (extract(ctx, request, response, holders, faults)) call(ctx, request, response, holders);
      return {};
    }
  }

 private:
  template <typename Parameter>
  using Extract = detail::Extractor<detail::Plain<Parameter>>;
  using Holders = std::tuple<typename Extract<P>::Holder...>;
  static constexpr bool kNeedsBody = (Extract<P>::kNeedsBody || ...);
  static constexpr auto kIndices = std::index_sequence_for<P...>();

  std::size_t limit() const { return operation_ && operation_->most_body ? operation_->most_body : body_limit_; }

  bool extract(Context& ctx, Request& request, Response& response, Holders& holders, BindFaults& faults) const {
    extract_each(ctx, request, holders, faults, kIndices);
    if (faults.empty()) return true;
    refuse(ctx, request, response, faults.take());
    return false;
  }
  template <std::size_t... I>
  void extract_each(Context& ctx, Request& request, Holders& holders, BindFaults& faults, std::index_sequence<I...>) const {
    (std::get<I>(extractors_).extract(ctx, request, limit(), std::get<I>(holders), faults), ...);
    (void)ctx, (void)request, (void)holders, (void)faults;
  }
  template <std::size_t... I>
  R invoke(Holders& holders, std::index_sequence<I...>) {
    (void)holders;
    return std::invoke(function_, detail::pass<P>(std::get<I>(holders))...);
  }
  void call(Context& ctx, Request& request, Response& response, Holders& holders) {
    if constexpr (std::is_void_v<R>) {
      invoke(holders, kIndices);
      response.status = 204;
    } else {
      detail::render(ctx, request, response, invoke(holders, kIndices));
    }
  }

  /// With a body on its way or a handler that waits.
  Task<void> wait(Context& ctx, Request& request, Response& response) {
    BindFaults faults;
    if constexpr (kNeedsBody) {
      if (!request.body.is_whole()) {
        const auto type = request.headers.get("content-type").value_or("");
        if (!is_json(type)) {
          refuse(ctx, request, response, not_json(type));
          co_return;
        }
        auto body = co_await request.body.all(ctx, limit());
        if (!body) {
          refuse(ctx, request, response, body.error());
          co_return;
        }
      }
    }
    Holders holders;
    if (!extract(ctx, request, response, holders, faults)) co_return;
    if constexpr (!is_task<R>) {
      call(ctx, request, response, holders);
    } else if constexpr (std::is_void_v<typename R::value_type>) {
      R task = invoke(holders, kIndices);
      (void)co_await std::move(task);  // void
      response.status = 204;
    } else {
      R task = invoke(holders, kIndices);
      auto result = co_await std::move(task);
      detail::render(ctx, request, response, std::move(result));
    }
  }

  F function_;
  std::tuple<Extract<P>...> extractors_;
  const Operation* operation_ = nullptr;
  std::size_t body_limit_ = 0;
};

namespace detail {
template <bool Ok, typename F, typename R, typename... P>
struct ChooseTyped {
  using Type = TypedHandler<F, R, P...>;
};
/// Never run: a complaint was made. Keeps the compiler from saying more.
template <typename F, typename R, typename... P>
struct ChooseTyped<false, F, R, P...> {
  struct Type : Handler {
    explicit Type(F) {}
    void attach(Services&, std::string_view, const Operation&, std::size_t) {}
    static void describe(Operation&) {}
    Task<void> handle(Context&, Request&, Response&) override { return {}; }
  };
};
template <typename F, typename R, typename Parameters>
struct MakeTyped;
template <typename F, typename R, typename... P>
struct MakeTyped<F, R, std::tuple<P...>> {
  static constexpr bool kOk = (CheckResult<R>::kOk & ... & CheckParameter<P>::kOk);
  using Type = typename ChooseTyped<kOk, F, R, P...>::Type;
};
template <typename F>
struct BindFunction {
  static_assert(HasSignature<F>, "a handler is a function or an object with one operator() whose parameters have types (no auto)");
  using Type = typename MakeTyped<F, typename Signature<F>::Result, typename ParametersOf<F>::Type>::Type;
};
}  // namespace detail

template <typename F>
using BoundHandler = typename detail::BindFunction<F>::Type;

}  // namespace yun::http
