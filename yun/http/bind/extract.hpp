#pragma once
// Extractor<P>: how a handler's parameter of type P comes out of a request. One specialisation a kind; `Holder` keeps what the handler
// is given until it has ended.

#include <optional>
#include <string>
#include <type_traits>

#include "yun/http/bind/faults.hpp"
#include "yun/http/bind/parameters.hpp"
#include "yun/http/bind/text.hpp"
#include "yun/http/router/operation.hpp"
#include "yun/http/router/services.hpp"
#include "yun/json/read.hpp"
#include "yun/json/schema.hpp"

namespace yun::http::detail {

template <typename T>
json::Value make_schema(json::Schemas& schemas) {
  return schemas.add<T>();
}
template <typename T>
constexpr SchemaOf schema_of() {
  return &make_schema<T>;
}

template <typename T>
inline constexpr bool kIsVector = false;
template <FromText T>
inline constexpr bool kIsVector<std::vector<T>> = true;

/// Text, or an optional of one.
template <typename T>
concept OneText = FromText<T> || (json::detail::kIsOptional<T> && FromText<typename T::value_type>);

/// A text from the query or the headers into T.
template <typename T>
void read_parameter(std::string_view text, T& value, BindFaults& faults, std::string_view where, std::string_view name) {
  std::string fault;
  if constexpr (json::detail::kIsOptional<T>)
    fault = read_text(text, value.emplace());
  else
    fault = read_text(text, value);
  if (!fault.empty()) faults.wrong(where, name, std::move(fault));
}

/// Not a parameter that a handler may have; bind/handler.hpp says so.
template <typename P>
struct Extractor {
  static constexpr bool kKnown = false;
};

struct KnownParameter {
  static constexpr bool kKnown = true;
  static constexpr bool kNeedsBody = false;
  void attach(Services&, std::string_view) {}
  static void describe(Operation&) {}
};

template <Literal Name, typename T>
  requires FromText<T>
struct Extractor<Path<Name, T>> : KnownParameter {
  using Holder = Path<Name, T>;
  void extract(Context&, Request& request, std::size_t, Holder& holder, BindFaults& faults) const {
    const std::string_view text = request.param(Holder::kName);
    read_parameter(text, *holder, faults, "path", Holder::kName);
  }
  static void describe(Operation& operation) {
    operation.parameters.push_back({std::string(Holder::kName), Operation::In::Path, true, schema_of<T>()});
  }
};

template <Literal Name, typename T, auto... Default>
  requires(OneText<T> || kIsVector<T>)
struct Extractor<Query<Name, T, Default...>> : KnownParameter {
  using Holder = Query<Name, T, Default...>;
  static constexpr bool kRequired = !Holder::kHasDefault && !json::detail::kIsOptional<T> && !kIsVector<T>;

  void extract(Context&, Request& request, std::size_t, Holder& holder, BindFaults& faults) const {
    bool found = false;
    if constexpr (kIsVector<T>) {
      each_query_value(request.query, Holder::kName, [&](const std::string& text) {
        typename T::value_type one{};
        read_parameter(text, one, faults, "query", Holder::kName);
        (*holder).push_back(std::move(one));
        return (*holder).size() < 256;
      });
    } else {
      each_query_value(request.query, Holder::kName, [&](const std::string& text) {
        read_parameter(text, *holder, faults, "query", Holder::kName);
        found = true;
        return false;
      });
      if (kRequired && !found) faults.missing("query", Holder::kName);
    }
  }
  static void describe(Operation& operation) {
    operation.parameters.push_back({std::string(Holder::kName), Operation::In::Query, kRequired, schema_of<T>()});
  }
};

template <Literal Name, typename T>
  requires OneText<T>
struct Extractor<Header<Name, T>> : KnownParameter {
  using Holder = Header<Name, T>;
  static constexpr bool kRequired = !json::detail::kIsOptional<T>;

  void extract(Context&, Request& request, std::size_t, Holder& holder, BindFaults& faults) const {
    const auto text = request.headers.get(Holder::kName);
    if (text && !(kRequired && text->empty()))
      read_parameter(*text, *holder, faults, "header", Holder::kName);
    else if (kRequired)
      faults.missing("header", Holder::kName);
  }
  static void describe(Operation& operation) {
    operation.parameters.push_back({std::string(Holder::kName), Operation::In::Header, kRequired, schema_of<T>()});
  }
};

/// The body is whole when extract() is called.
template <typename T>
struct Extractor<Json<T>> : KnownParameter {
  using Holder = Json<T>;
  static constexpr bool kNeedsBody = true;

  void extract(Context&, Request& request, std::size_t body_limit, Holder& holder, BindFaults& faults) const {
    const auto type = request.headers.get("content-type").value_or("");
    if (!is_json(type)) return faults.body(not_json(type));
    json::ReadOptions options;
    options.max_size = body_limit;
    auto value = json::read<T>(request.body.bytes(), options);
    if (!value) return faults.body(std::move(value).error());
    *holder = *std::move(value);
  }
  static void describe(Operation& operation) {
    operation.has_body = true;
    operation.body_required = true;
    operation.body = schema_of<T>();
  }
};

/// An object that lives elsewhere: what a reference parameter is given.
template <typename T>
struct Reference {
  T* object = nullptr;
};

template <>
struct Extractor<Context&> : KnownParameter {
  using Holder = Reference<Context>;
  void extract(Context& ctx, Request&, std::size_t, Holder& holder, BindFaults&) const { holder.object = &ctx; }
};
template <>
struct Extractor<Request&> : KnownParameter {
  using Holder = Reference<Request>;
  void extract(Context&, Request& request, std::size_t, Holder& holder, BindFaults&) const { holder.object = &request; }
};
template <>
struct Extractor<const Request&> : KnownParameter {
  using Holder = Reference<const Request>;
  void extract(Context&, Request& request, std::size_t, Holder& holder, BindFaults&) const { holder.object = &request; }
};

/// A type that the library gives some other meaning, so no service.
template <typename T>
inline constexpr bool kIsHeld = false;
template <Literal Name, typename T>
inline constexpr bool kIsHeld<Path<Name, T>> = true;
template <Literal Name, typename T, auto... Default>
inline constexpr bool kIsHeld<Query<Name, T, Default...>> = true;
template <Literal Name, typename T>
inline constexpr bool kIsHeld<Header<Name, T>> = true;
template <typename T>
inline constexpr bool kIsHeld<Json<T>> = true;

/// A service, given by Router::provide.
template <typename T>
  requires(std::is_class_v<T> && !kIsHeld<std::remove_const_t<T>> && !std::same_as<std::remove_const_t<T>, std::string>)
struct Extractor<T&> : KnownParameter {
  using Holder = Reference<T>;
  void attach(Services& services, std::string_view who) { services.want<std::remove_const_t<T>>(slot.get(), who); }
  void extract(Context&, Request&, std::size_t, Holder& holder, BindFaults& faults) const {
    holder.object = static_cast<T*>(*slot);
    if (!holder.object) faults.body(internal_error("a service that the handler needs was not provided"));
  }
  std::unique_ptr<void*> slot = std::make_unique<void*>(nullptr);
};

}  // namespace yun::http::detail
