#pragma once
// openapi: what a router's routes are, as an OpenAPI 3.1 document and as a page to read and try them. Both come from the types of the
// handlers; nothing is loaded from anywhere else.
//
//     openapi::serve(router, {.title = "orders", .version = "1.4.0"});     // GET /openapi.json and /docs
//     json::Value document = openapi::document(router, {.title = "orders"});
//
// Names: Info, document, serve.

#include "yun/openapi/document.hpp"
#include "yun/openapi/page.hpp"
