#pragma once
// What a handler returns, as a response.

#include <string>
#include <type_traits>

#include "yun/http/bind/extract.hpp"
#include "yun/http/bind/parameters.hpp"
#include "yun/http/message.hpp"
#include "yun/http/middleware/middleware.hpp"
#include "yun/json/write.hpp"

namespace yun::http::detail {

template <typename T>
inline constexpr bool kIsCreated = false;
template <typename T>
inline constexpr bool kIsCreated<Created<T>> = true;

template <typename T>
concept TextLike = std::same_as<T, std::string> || std::same_as<T, std::string_view> || std::same_as<T, const char*>;

/// Can json::write take it?
template <typename T>
concept Writable = std::is_class_v<T> || std::is_arithmetic_v<T> || std::is_enum_v<T>;

template <typename R>
consteval bool can_render() {
  if constexpr (is_task<R>) return can_render<typename R::value_type>();
  else if constexpr (is_result<R>) return !is_result<typename R::value_type> && can_render<typename R::value_type>();
  else if constexpr (std::is_void_v<R> || std::same_as<R, Response> || TextLike<R>) return true;
  else if constexpr (kIsCreated<R>) return true;
  else return Writable<R> && !std::is_reference_v<R>;
}

/// A buffer of this thread for writing a body; use it before anything may suspend.
std::string& scratch();
void set_json(Response& response, int status, std::string_view body);

template <typename T>
void render_json(Response& response, int status, const T& value) {
  std::string& body = scratch();
  body.clear();
  json::write(body, value);
  set_json(response, status, body);
}

template <typename T>
void render(Context& ctx, const Request& request, Response& response, T&& result) {
  using R = std::remove_cvref_t<T>;
  if constexpr (is_result<R>) {
    if (!result) {
      refuse(ctx, request, response, result.error());
    } else if constexpr (std::is_void_v<typename R::value_type>) {
      response.status = 204;
    } else {
      render(ctx, request, response, *std::move(result));
    }
  } else if constexpr (std::same_as<R, Response>) {
    response = std::move(result);
  } else if constexpr (TextLike<R>) {
    response.status = 200;
    response.headers.set("content-type", "text/plain; charset=utf-8");
    response.body.assign(result);
  } else if constexpr (kIsCreated<R>) {
    render_json(response, 201, result.value);
    response.headers.set("location", result.location);
  } else {
    render_json(response, 200, result);
  }
}

template <typename R>
void describe_answer(Operation& operation) {
  if constexpr (is_task<R> || is_result<R>) describe_answer<typename R::value_type>(operation);
  else if constexpr (std::is_void_v<R>) operation.answers.push_back({204, "", nullptr, ""});
  else if constexpr (std::same_as<R, Response>) operation.answers.push_back({200, "*/*", nullptr, ""});
  else if constexpr (TextLike<R>) operation.answers.push_back({200, "text/plain", nullptr, ""});
  else if constexpr (kIsCreated<R>) operation.answers.push_back({201, "application/json", schema_of<decltype(R::value)>(), "location"});
  else operation.answers.push_back({200, "application/json", schema_of<R>(), ""});
}

}  // namespace yun::http::detail
