#pragma once
// Media types: from a file's name, and whether compressing one is worth it.

#include <string_view>

namespace yun::http {

/// By the extension, with charset for text; "application/octet-stream" if it is not known.
std::string_view media_type(std::string_view file_name);

/// Text, JSON, XML, JavaScript, SVG, WASM and the like; not images, audio, archives, event streams or gRPC.
bool is_compressible(std::string_view content_type);

}  // namespace yun::http
