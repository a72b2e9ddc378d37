#pragma once
// http: requests in, answers out. Typed handlers on a radix router, middleware that costs no coroutine, files, streams, WebSocket.
//
//     http::Router router;
//     router.get("/api/users/{id}", [](yun::Path<"id"> id) { return User{*id, "user_" + *id}; });
//     router.post("/api/users", [](yun::Json<NewUser> user, Store& store) { return store.create(*user); });
//     router.provide(store);
//     YUN_CHECK(router.check());
//
//     Pipeline pipeline(default_middleware({.registry = registry, .tracer = tracer}), router);
//     Server server(runtime, pipeline);
//
// Names: Request, Response, Headers, Body, Handler (message.hpp); problem, error_from (problem.hpp); Router, Routes, Operation (router/);
// Path, Query, Header, Json, Created (bind/); Middleware, Next, Pipeline, default_middleware, request_id, trace, metrics, access_log,
// overload, body_limit, deadline, cors (middleware/); StaticFiles, compression, event_stream, Event (content/); accept_websocket,
// WebSocket (websocket/); Server (server/); Client (client/).

#include "yun/http/bind/parameters.hpp"
#include "yun/http/message.hpp"
#include "yun/http/middleware/defaults.hpp"
#include "yun/http/problem.hpp"
#include "yun/http/router/router.hpp"
#include "yun/http/server/server.hpp"
