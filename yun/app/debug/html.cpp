#include "yun/app/debug/html.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "yun/base/strings.hpp"
#include "yun/json/write.hpp"

namespace yun::app::debug {
namespace {

constexpr std::string_view kStyle = R"(<style>
:root{color-scheme:light dark;--line:#8883;--soft:#8881;--link:#2563eb;--bad:#b91c1c;--good:#15803d}
@media(prefers-color-scheme:dark){:root{--link:#7cacff;--bad:#ff8a8a;--good:#6fcf8f}}
body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:0 auto;padding:0 1rem 3rem}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
nav{display:flex;flex-wrap:wrap;gap:.1rem 1rem;padding:.7rem 0;border-bottom:1px solid var(--line)}
nav b{margin-right:.5rem}nav a[aria-current]{font-weight:600;color:inherit}
h1{font-size:1.5rem;margin:1.2rem 0 0}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
p{margin:.2rem 0 1rem;opacity:.75}
div{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.25rem .9rem .25rem 0;border-bottom:1px solid var(--line)}
thead th{font-weight:600;white-space:nowrap;opacity:.75}tbody th{font-weight:400;opacity:.75;white-space:nowrap}
tbody tr:hover{background:var(--soft)}
td{font-family:ui-monospace,monospace;font-size:.85rem;overflow-wrap:break-word;max-width:44rem}
td.n{text-align:right;white-space:nowrap}th+td.n{text-align:left}
td.j{white-space:pre-wrap;overflow-wrap:anywhere;min-width:20rem}
.bad{color:var(--bad);font-weight:600}.good{color:var(--good)}.none{opacity:.6}
</style>)";

constexpr std::array<std::string_view, 6> kBad = {"ejected", "stale", "error", "failed", "unhealthy", "down"};
constexpr std::array<std::string_view, 4> kGood = {"ok", "healthy", "ready", "up"};

bool is_number(const json::Value& value) { return value.as_double().has_value(); }
bool is_scalar(const json::Value& value) { return !value.as_array() && !value.as_object(); }

/// Four digits are what a person reads; JSON has them all.
std::string number(const json::Value& value) {
  if (value.type() != json::Type::Double) return json::to_json(value);
  const double number = *value.as_double();
  char text[40];
  if (number == std::floor(number) && std::abs(number) < 1e15) std::snprintf(text, sizeof text, "%.0f", number);
  else if (std::abs(number) >= 1000) std::snprintf(text, sizeof text, "%.1f", number);
  else std::snprintf(text, sizeof text, "%.4g", number);
  return text;
}

/// What is too deep for a table of its own: a line for each member.
void nested(std::string& out, const json::Value& value) {
  const json::Object* object = value.as_object();
  if (!object) return escape(out, value.size() > 0 ? json::to_json(value) : std::string());
  for (const json::Member& member : *object) {
    const std::string* text = member.value.as_string();
    escape(out, member.name + ": " + (text ? *text : json::to_json(member.value)) + "\n");
  }
}

void cell(std::string& out, const json::Value& value) {
  if (is_number(value)) {
    out.append("<td class=n>").append(number(value)).append("</td>");
  } else if (value.is_null()) {
    out += "<td class=none>–</td>";
  } else if (const auto flag = value.as_bool()) {
    out.append("<td>").append(*flag ? "yes" : "no").append("</td>");
  } else if (const std::string* text = value.as_string()) {
    const bool bad = std::ranges::find(kBad, *text) != kBad.end();
    const bool good = std::ranges::find(kGood, *text) != kGood.end();
    out += bad ? "<td class=bad>" : good ? "<td class=good>" : "<td>";
    escape(out, *text);
    out += "</td>";
  } else {
    out += "<td class=j>";
    nested(out, value);
    out += "</td>";
  }
}

/// "duration_seconds" -> "duration seconds".
void label(std::string& out, std::string_view name) {
  std::string words(name);
  std::ranges::replace(words, '_', ' ');
  escape(out, words);
}

void names_and_values(std::string& out, const json::Object& object) {
  out += "<div><table><tbody>";
  for (const json::Member& member : object) {
    if (!is_scalar(member.value)) continue;
    out += "<tr><th scope=row>";
    label(out, member.name);
    out += "</th>";
    cell(out, member.value);
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
}

void rows(std::string& out, const json::Array& list) {
  std::vector<std::string_view> columns;
  for (const json::Value& row : list) {
    if (!row.as_object()) continue;
    for (const json::Member& member : *row.as_object())
      if (std::ranges::find(columns, member.name) == columns.end()) columns.push_back(member.name);
  }
  out += "<div><table>";
  if (!columns.empty()) {
    out += "<thead><tr>";
    for (const std::string_view column : columns) {
      out += "<th scope=col>";
      label(out, column);
      out += "</th>";
    }
    out += "</tr></thead>";
  }
  out += "<tbody>\n";
  for (const json::Value& row : list) {
    out += "<tr>";
    if (!row.as_object()) cell(out, row);
    else
      for (const std::string_view column : columns) cell(out, row[column]);
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
}

void content(std::string& out, const json::Value& value) {
  if (const json::Array* list = value.as_array()) {
    if (list->empty()) out += "<p>None.</p>\n";
    else rows(out, *list);
    return;
  }
  const json::Object* object = value.as_object();
  if (!object) return rows(out, {value});
  if (std::ranges::any_of(*object, [](const json::Member& member) { return is_scalar(member.value); })) names_and_values(out, *object);
  for (const json::Member& member : *object) {
    if (is_scalar(member.value)) continue;
    out += "<h2>";
    label(out, member.name);
    out += "</h2>\n";
    content(out, member.value);
  }
}

void link(std::string& out, std::string_view path, std::string_view title, std::string_view here) {
  out += "<a href=\"";
  escape(out, path);
  out += path == here ? "\" aria-current=page>" : "\">";
  escape(out, title);
  out += "</a>\n";
}

}  // namespace

void escape(std::string& out, std::string_view text) {
  const bool well_formed = is_utf8(text);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (c == '\'') out += "&#39;";
    else if ((byte < 0x20 && c != '\t' && c != '\n') || byte == 0x7f || (byte >= 0x80 && !well_formed)) out += "\xef\xbf\xbd";
    else out += c;
  }
}

std::string page(const PageHead& head, const json::Value& value) {
  std::string out = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">
<title>)";
  escape(out, head.title);
  out += " · ";
  escape(out, head.pages.program());
  out.append("</title>\n").append(kStyle).append("</head><body>\n<nav><b>");
  escape(out, head.pages.program());
  out += "</b>\n";
  for (const Section& section : head.pages.sections()) link(out, "/debug/" + section.name, section.title, head.path);
  for (const Pages::Link& other : head.pages.links()) link(out, other.path, other.title, head.path);
  out += "</nav>\n<main><h1>";
  escape(out, head.title);
  out += "</h1>\n<p>";
  escape(out, head.about);
  out += " <a href=\"?format=json\">JSON</a></p>\n";
  content(out, value);
  return out += "</main></body></html>\n";
}

}  // namespace yun::app::debug
