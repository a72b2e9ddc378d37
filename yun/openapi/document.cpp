#include "yun/openapi/document.hpp"

#include <algorithm>

#include "yun/base/strings.hpp"
#include "yun/json/schema.hpp"

namespace yun::openapi {

namespace {

using http::Operation;
using http::Route;
using json::Array;
using json::Object;
using json::Value;

constexpr std::string_view kSchemas = "#/components/schemas/";

/// "/files/{path...}" and "/files/*" are "/files/{path}" and "/files/{rest}" here: OpenAPI has no rest parameters.
std::string path_of(std::string_view pattern) {
  std::string path(pattern);
  if (const auto dots = path.find("...}"); dots != std::string::npos) path.erase(dots, 3);
  if (path.ends_with("/*")) path.replace(path.size() - 1, 1, "{rest}");
  return path;
}

std::string operation_id(const Route& route) {
  if (!route.operation.name_text.empty()) return route.operation.name_text;
  std::string id = to_lower(name(route.method));
  bool word = false;
  for (const char c : path_of(route.pattern)) {
    const bool plain = is_alnum(c);
    if (plain && !word) id += '_';
    if (plain) id += c;
    word = plain;
  }
  return id;
}

std::string_view where(Operation::In in) {
  return in == Operation::In::Path ? "path" : in == Operation::In::Query ? "query" : "header";
}

Value problem_reference(std::string_view description) {
  Value answer = Value::object({{"description", description}});
  answer["content"]["application/problem+json"]["schema"]["$ref"] = std::string(kSchemas) + "Problem";
  return answer;
}

Value problem_schema() {
  const Value text = Value::object({{"type", "string"}});
  Object fault;
  fault["type"] = "object";
  fault["properties"]["pointer"] = Value::object({{"type", "string"}, {"description", "RFC 6901 pointer to what is wrong"}});
  fault["properties"]["detail"] = text;
  fault["required"] = Value::array({"pointer", "detail"});
  Value schema = Value::object({{"type", "object"}, {"description", "RFC 9457 problem details"}});
  schema["properties"]["title"] = text;
  schema["properties"]["status"] = Value::object({{"type", "integer"}});
  schema["properties"]["detail"] = text;
  schema["properties"]["trace_id"] = text;
  schema["properties"]["reason"] = text;
  schema["properties"]["errors"] = Value::object({{"type", "array"}, {"items", std::move(fault)}});
  schema["required"] = Value::array({"title", "status", "detail", "trace_id"});
  return schema;
}

Value parameters_of(const Route& route, json::Schemas& schemas) {
  Array list;
  const auto add = [&list](std::string_view called, std::string_view in, bool required, Value schema) {
    list.push_back(Value::object({{"name", called}, {"in", in}, {"required", required}, {"schema", std::move(schema)}}));
  };
  for (const auto& called : route.parameter_names) {
    const bool typed = std::ranges::any_of(route.operation.parameters, [&](const auto& p) { return p.in == Operation::In::Path && p.name == called; });
    if (!typed) add(called == "*" ? "rest" : called, "path", true, Value::object({{"type", "string"}}));
  }
  for (const auto& parameter : route.operation.parameters)
    add(parameter.name, where(parameter.in), parameter.required, parameter.schema ? parameter.schema(schemas) : Value::object({{"type", "string"}}));
  return list;
}

Value answers_of(const Route& route, json::Schemas& schemas) {
  const Operation& operation = route.operation;
  Value answers = Object();
  for (const auto& answer : operation.answers) {
    const std::string status = std::to_string(answer.status);
    const std::string_view phrase = reason_phrase(answer.status);
    if (answer.status >= 400) {
      answers[status] = problem_reference(phrase);
      continue;
    }
    Value& one = answers[status];
    one["description"] = phrase.empty() ? std::string_view("Answer") : phrase;
    if (!answer.header.empty()) one["headers"][answer.header]["schema"]["type"] = "string";
    if (answer.content_type.empty()) continue;
    Value& content = one["content"][answer.content_type];
    content = Object();
    if (answer.schema)
      content["schema"] = answer.schema(schemas);
    else if (answer.content_type == "text/plain")
      content["schema"]["type"] = "string";
  }
  if (!operation.parameters.empty() || operation.has_body) answers["422"] = problem_reference("Faults of parameters or body, all at once");
  if (operation.secured) answers["401"] = problem_reference(reason_phrase(401));
  answers["default"] = problem_reference("Any other problem");
  return answers;
}

Value operation_of(const Route& route, json::Schemas& schemas) {
  const Operation& operation = route.operation;
  Value made = Value::object({{"operationId", operation_id(route)}});
  if (!operation.summary_text.empty()) made["summary"] = operation.summary_text;
  if (!operation.description_text.empty()) made["description"] = operation.description_text;
  for (const auto& tag : operation.tags) made["tags"].push_back(tag);
  if (operation.is_deprecated) made["deprecated"] = true;
  Value parameters = parameters_of(route, schemas);
  if (parameters.size() > 0) made["parameters"] = std::move(parameters);
  if (operation.has_body) {
    made["requestBody"]["required"] = operation.body_required;
    made["requestBody"]["content"]["application/json"]["schema"] = operation.body ? operation.body(schemas) : Value(Object());
  }
  made["responses"] = answers_of(route, schemas);
  if (operation.secured) made["security"].push_back(Value::object({{"bearer", Value::array()}}));
  return made;
}

}  // namespace

Value document(const http::Router& router, const Info& info) {
  json::Schemas schemas{std::string(kSchemas)};
  Value paths = Object();
  bool secured = false;
  for (const Route* route : router.routes()) {
    const bool shown = !route->operation.hidden_from_documents && route->method != http::Method::Other && route->method != http::Method::Connect;
    if (!shown) continue;
    paths[path_of(route->pattern)][to_lower(name(route->method))] = operation_of(*route, schemas);
    secured = secured || route->operation.secured;
  }
  Value made = Value::object({{"openapi", "3.1.0"}});
  made["info"]["title"] = info.title;
  made["info"]["version"] = info.version;
  if (!info.description.empty()) made["info"]["description"] = info.description;
  for (const auto& url : info.servers) made["servers"].push_back(Value::object({{"url", url}}));
  made["paths"] = std::move(paths);
  made["components"]["schemas"] = schemas.components();
  made["components"]["schemas"]["Problem"] = problem_schema();
  if (secured) made["components"]["securitySchemes"]["bearer"] = Value::object({{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}});
  return made;
}

}  // namespace yun::openapi
