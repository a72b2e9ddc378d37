#include "yun/http/content/media_type.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "yun/base/strings.hpp"

namespace yun::http {

namespace {
constexpr std::array<std::pair<std::string_view, std::string_view>, 38> kTypes = {{
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/x-icon"},
    {"bmp", "image/bmp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
    {"otf", "font/otf"},
    {"wasm", "application/wasm"},
    {"pdf", "application/pdf"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"tar", "application/x-tar"},
    {"zst", "application/zstd"},
    {"mp3", "audio/mpeg"},
    {"wav", "audio/wav"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"proto", "text/plain; charset=utf-8"},
}};
constexpr std::array<std::string_view, 9> kCompressible = {
    "application/json", "application/javascript", "application/xml",     "application/yaml", "application/wasm",
    "application/x-ndjson", "application/x-javascript", "application/openmetrics-text", "image/x-icon"};
}  // namespace

std::string_view media_type(std::string_view file_name) {
  const auto dot = file_name.rfind('.');
  if (dot != std::string_view::npos) {
    const auto extension = file_name.substr(dot + 1);
    for (const auto& [known, type] : kTypes) {
      if (iequals(known, extension)) return type;
    }
  }
  return "application/octet-stream";
}

bool is_compressible(std::string_view content_type) {
  const std::string type = to_lower(trim(content_type.substr(0, content_type.find(';'))));
  if (type == "text/event-stream") return false;
  return type.starts_with("text/") || type.ends_with("+json") || type.ends_with("+xml") || std::ranges::find(kCompressible, type) != kCompressible.end();
}

}  // namespace yun::http
