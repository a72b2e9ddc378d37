#pragma once
// The document and the page over HTTP.

#include "yun/openapi/document.hpp"

namespace yun::openapi {

struct Paths {
  std::string document = "/openapi.json";
  std::string page = "/docs";
};

/// Adds both routes, hidden from the document, which is made once, at its first request: routes added later, but before serving, are in it.
void serve(http::Router& router, Info info, Paths paths = {});

/// The page itself; it loads the document from `document_path` with a fetch.
std::string page(std::string_view title, std::string_view document_path);

}  // namespace yun::openapi
