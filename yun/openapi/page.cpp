#include "yun/openapi/page.hpp"

#include <mutex>

#include "yun/json/write.hpp"

namespace yun::openapi {

namespace {

// Everything the browser shows is set as text, never as markup.
constexpr std::string_view kHead = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>API</title>
<style>
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--get:#2563eb;--post:#15803d;--put:#b45309;--patch:#7c3aed;--delete:#b91c1c}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid var(--line)}
code,pre,textarea,input{font:13px/1.45 ui-monospace,monospace}
details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;overflow:hidden}
summary{padding:.5rem .75rem;cursor:pointer;display:flex;gap:.75rem;align-items:baseline;flex-wrap:wrap}
summary:hover{background:var(--soft)}
.method{font-weight:700;min-width:4.2rem;color:#fff;text-align:center;border-radius:4px;padding:0 .4rem;background:#555}
.get{background:var(--get)}.post{background:var(--post)}.put{background:var(--put)}.patch{background:var(--patch)}.delete{background:var(--delete)}
.old{text-decoration:line-through}.dim{opacity:.7}
.inside{padding:.25rem .75rem .75rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}
pre{background:var(--soft);padding:.6rem;border-radius:6px;overflow:auto;max-height:28rem;margin:.4rem 0}
input,textarea{width:100%;box-sizing:border-box;padding:.3rem;border:1px solid var(--line);border-radius:4px;background:transparent;color:inherit}
button{padding:.35rem 1rem;border-radius:4px;border:1px solid var(--line);cursor:pointer;margin-top:.5rem}
</style></head><body>
<h1 id="title">API</h1><p id="about" class="dim"></p>
<label>Bearer token for “try it” <input id="token" type="password" autocomplete="off"></label>
<div id="operations"></div><h2>Schemas</h2><div id="schemas"></div>
)html";

constexpr std::string_view kScript = R"html(<script>
"use strict";
const make = (tag, attributes = {}, ...inside) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") node.className = value; else if (key.startsWith("on")) node[key] = value; else node.setAttribute(key, value);
  }
  node.append(...inside);
  return node;
};
const short = schema => {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.oneOf || schema.anyOf) return (schema.oneOf || schema.anyOf).map(short).join(" | ");
  if (schema.type === "array") return short(schema.items) + "[]";
  if (schema.enum) return schema.enum.map(v => JSON.stringify(v)).join(" | ");
  const type = [].concat(schema.type || "any").join(" | ");
  return schema.format ? type + " (" + schema.format + ")" : type;
};
const example = (schema, api, depth = 0) => {
  if (!schema || depth > 6) return null;
  if (schema.$ref) return example(api.components.schemas[schema.$ref.split("/").pop()], api, depth + 1);
  const choice = schema.oneOf || schema.anyOf;
  if (choice) return example(choice[0], api, depth + 1);
  if (schema.enum) return schema.enum[0];
  const type = [].concat(schema.type || "null")[0];
  if (type === "object") return Object.fromEntries(Object.entries(schema.properties || {}).map(([k, v]) => [k, example(v, api, depth + 1)]));
  if (type === "array") return [example(schema.items, api, depth + 1)];
  if (type === "integer" || type === "number") return schema.minimum ?? 0;
  if (type === "boolean") return false;
  if (type === "string") return schema.format === "date-time" ? new Date().toISOString() : schema.format === "email" ? "ann@example.com" : "";
  return null;
};
const trial = (method, path, operation, api) => {
  const fields = (operation.parameters || []).map(p => [p, make("input", {placeholder: p.required ? "required" : ""})]);
  const media = operation.requestBody && Object.keys(operation.requestBody.content)[0];
  const body = media && make("textarea", {rows: 8});
  if (body) body.value = JSON.stringify(example(operation.requestBody.content[media].schema, api), null, 2);
  const output = make("pre", {hidden: ""});
  const send = async () => {
    let url = path;
    const query = new URLSearchParams(), headers = {};
    for (const [p, input] of fields) {
      if (p.in === "path") url = url.replace("{" + p.name + "}", encodeURIComponent(input.value));
      else if (input.value === "" && !p.required) continue;
      else if (p.in === "query") query.append(p.name, input.value);
      else headers[p.name] = input.value;
    }
    if ([...query].length) url += "?" + query;
    if (body) headers["content-type"] = media;
    const token = document.getElementById("token").value;
    if (token) headers.authorization = "Bearer " + token;
    output.hidden = false;
    output.textContent = "...";
    const begun = performance.now();
    try {
      const answer = await fetch(url, {method: method.toUpperCase(), headers, body: body ? body.value : undefined});
      let text = await answer.text();
      try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON */ }
      output.textContent = answer.status + " " + answer.statusText + "  " + Math.round(performance.now() - begun) + " ms\n" +
        [...answer.headers].map(([k, v]) => k + ": " + v).join("\n") + "\n\n" + text;
    } catch (error) { output.textContent = String(error); }
  };
  return make("div", {}, make("h4", {}, "Try it"),
    make("table", {}, ...fields.map(([p, input]) => make("tr", {}, make("td", {}, make("code", {}, p.name)), make("td", {}, input)))),
    ...(body ? [body] : []), make("button", {onclick: send}, "Send"), output);
};
const show = (method, path, operation, api) => {
  const inside = make("div", {class: "inside"});
  if (operation.description) inside.append(make("p", {}, operation.description));
  if (operation.security) inside.append(make("p", {class: "dim"}, "needs a bearer token"));
  if (operation.parameters) inside.append(make("h4", {}, "Parameters"), make("table", {}, ...operation.parameters.map(p =>
    make("tr", {}, make("td", {}, make("code", {}, p.name)), make("td", {}, p.in), make("td", {}, short(p.schema)), make("td", {}, p.required ? "required" : "")))));
  if (operation.requestBody) for (const [media, content] of Object.entries(operation.requestBody.content))
    inside.append(make("h4", {}, "Body"), make("p", {}, make("code", {}, media), " ", short(content.schema)));
  inside.append(make("h4", {}, "Answers"), make("table", {}, ...Object.entries(operation.responses).map(([status, answer]) =>
    make("tr", {}, make("td", {}, make("code", {}, status)), make("td", {}, answer.description),
      make("td", {}, Object.entries(answer.content || {}).map(([media, c]) => media + " " + short(c.schema)).join(", "))))));
  inside.append(trial(method, path, operation, api));
  return make("details", {}, make("summary", {}, make("span", {class: "method " + method}, method.toUpperCase()),
    make("code", {class: operation.deprecated ? "old" : ""}, path), make("span", {class: "dim"}, operation.summary || "")), inside);
};
(async () => {
  const api = await (await fetch(DOCUMENT)).json();
  document.title = api.info.title;
  document.getElementById("title").textContent = api.info.title + " " + api.info.version;
  document.getElementById("about").textContent = api.info.description || "";
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) for (const [method, operation] of Object.entries(methods)) {
    const tag = (operation.tags || ["operations"])[0];
    if (!groups.has(tag)) groups.set(tag, []);
    groups.get(tag).push(show(method, path, operation, api));
  }
  const all = document.getElementById("operations");
  for (const [tag, list] of groups) all.append(make("h2", {}, tag), ...list);
  for (const [name, schema] of Object.entries(api.components.schemas))
    document.getElementById("schemas").append(make("details", {}, make("summary", {}, make("code", {}, name)),
      make("div", {class: "inside"}, make("pre", {}, JSON.stringify(schema, null, 2)))));
})().catch(error => { document.getElementById("about").textContent = String(error); });
</script></body></html>
)html";

/// For a string literal within a script element.
std::string script_string(std::string_view text) {
  std::string quoted = json::to_json(text);
  for (std::size_t at = quoted.find('<'); at != std::string::npos; at = quoted.find('<', at)) quoted.replace(at, 1, "\\u003c");
  return quoted;
}

struct Served {
  Served(const http::Router& r, Info i) : router(r), info(std::move(i)) {}
  const std::string& document_text() {
    std::call_once(once, [this] { text = json::to_json(document(router, info)); });
    return text;
  }
  const http::Router& router;
  Info info;
  std::once_flag once;
  std::string text;
};

}  // namespace

std::string page(std::string_view title, std::string_view document_path) {
  std::string html(kHead);
  std::string escaped;
  for (const char c : title) escaped += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  if (const auto at = html.find("<title>API"); at != std::string::npos) html.replace(at + 7, 3, escaped);
  html += "<script>const DOCUMENT = " + script_string(document_path) + ";</script>\n";
  html += kScript;
  return html;
}

void serve(http::Router& router, Info info, Paths paths) {
  auto served = std::make_shared<Served>(router, info);
  router.get(paths.document, [served] { return http::Response::json(200, served->document_text()); }).hidden();
  auto html = std::make_shared<const std::string>(page(info.title, paths.document));
  router
      .get(paths.page,
           [html] {
             http::Response response = http::Response::html(200, *html);
             response.headers.set("content-security-policy",
                                  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; "
                                  "form-action 'none'; frame-ancestors 'none'");
             return response;
           })
      .hidden();
}

}  // namespace yun::openapi
