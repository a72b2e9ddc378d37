#pragma once
// Compression of answers by Accept-Encoding: zstd, br, gzip. A middleware:
//
//     router.use(compression());
//
// Compressed are answers of a compressible type (media_type.hpp) that have no Content-Encoding, are no range and are large enough:
// bodies in hand, small files, and streams (each write is flushed, so nothing waits). Vary says so; a strong ETag becomes weak.

#include <cstddef>

#include "yun/http/middleware/middleware.hpp"

namespace yun::http {

struct CompressionOptions {
  std::size_t min_size = 1024;       ///< bytes; smaller ones gain nothing
  std::size_t max_size = 4u << 20;   ///< larger ones would hold the loop up
  std::size_t max_file = 512u << 10; ///< larger files go by sendfile as they are
};
std::shared_ptr<Middleware> compression(CompressionOptions options = {});

}  // namespace yun::http
