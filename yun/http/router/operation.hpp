#pragma once
// Operation: what is known of one route beside its pattern, for documents and limits. Filled from a typed handler's types; the rest is
// said where the route is added:
//
//     router.post("/api/users", create_user).summary("Registers a user").tag("users").body_limit(64_KiB);

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "yun/http/message.hpp"

namespace yun::json {
class Schemas;
class Value;
}  // namespace yun::json

namespace yun::http {

/// Makes a type's JSON Schema; named types are put into the Schemas and referred to.
using SchemaOf = json::Value (*)(json::Schemas&);

struct Operation {
  enum class In : unsigned char { Path, Query, Header };
  struct Parameter {
    std::string name;
    In in;
    bool required;
    SchemaOf schema;  ///< null: a string
  };
  struct Answer {
    int status;
    std::string content_type;  ///< "" for no body
    SchemaOf schema;           ///< null: any
    std::string header;        ///< one that is always there ("location"), or ""
  };

  // What the types say.
  std::vector<Parameter> parameters;
  SchemaOf body = nullptr;  ///< of the JSON body
  bool has_body = false;
  bool body_required = false;
  std::vector<Answer> answers;

  // What people say.
  std::string summary_text;
  std::string description_text;
  std::string name_text;
  std::vector<std::string> tags;
  bool hidden_from_documents = false;
  bool secured = false;
  bool is_deprecated = false;
  /// Bytes of a JSON body; 0 = the router's.
  std::size_t most_body = 0;

  Operation& summary(std::string text) { return summary_text = std::move(text), *this; }
  Operation& description(std::string text) { return description_text = std::move(text), *this; }
  /// OpenAPI's operationId; else made from method and pattern.
  Operation& name(std::string text) { return name_text = std::move(text), *this; }
  Operation& tag(std::string text) { return tags.push_back(std::move(text)), *this; }
  /// Not in OpenAPI.
  Operation& hidden() { return hidden_from_documents = true, *this; }
  /// Asks for a bearer token: said in OpenAPI, checked by whoever authenticates.
  Operation& bearer() { return secured = true, *this; }
  Operation& deprecated() { return is_deprecated = true, *this; }
  /// The most bytes that a Json<T> reads: more is 413 body_too_large.
  Operation& body_limit(std::size_t bytes) { return most_body = bytes, *this; }
  /// Another answer than the one its type tells, such as 409.
  Operation& answers_with(int status) { return answers.push_back({status, "", nullptr, ""}), *this; }
};

/// One route, for documents, listings and tests.
struct Route {
  Method method;
  std::string pattern;
  std::shared_ptr<Handler> handler;
  Operation operation;
  std::vector<std::string> parameter_names;
};

}  // namespace yun::http
