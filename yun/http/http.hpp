#pragma once
// http: requests in, answers out. Typed handlers on a radix router, middleware that costs no coroutine, files, streams, WebSocket.
//
//     http::Router router;
//     router.get("/api/users/{id}", [](yun::Path<"id"> id) { return User{*id, "user_" + *id}; });
//     router.post("/api/users", [](yun::Json<NewUser> user, Store& store) { return store.create(*user); });
//     router.provide(store);
//     YUN_CHECK(router.check());
//
// Names: Router, Routes, Operation (router/), Path, Query, Header, Json, Created (bind/), Request, Response, Headers, Body, Handler
// (message.hpp), Middleware, Next, Pipeline, Defaults (middleware/), StaticFiles, Compression, EventStream (content/), WebSocket
// (websocket/), Server (server/), Client (client/).

#include "yun/http/bind/parameters.hpp"
#include "yun/http/message.hpp"
#include "yun/http/middleware/middleware.hpp"
#include "yun/http/router/router.hpp"
