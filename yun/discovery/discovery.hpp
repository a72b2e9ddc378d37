#pragma once
// discovery: where services are, found by URL, and how a program makes itself known.
//
//     auto resolver = yun::discovery::open("dns://users.svc:8080");
//     auto set = co_await (*resolver)->resolve(ctx);                        // the endpoints now
//     auto changed = co_await (*resolver)->next(ctx, set->revision);       // and when they change
//     auto registry = yun::discovery::open_registry("static://");
//     auto known = co_await (*registry)->register_self(ctx, {.service = "users", .id = "1", .address = address});
//
// open, open_registry, open_source | Registry, StaticRegistry, Instance

#include "yun/discovery/open.hpp"
#include "yun/discovery/registry.hpp"
