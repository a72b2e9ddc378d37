#pragma once
// cache: values that may be forgotten, behind a URL: bounded in bytes, with a time to live, one load at a time for a key.
//
//     YUN_TRY(users, yun::cache::open("memory://?max=64MiB"));                       // or redis://:secret@cache:6379/0?prefix=shop:
//     auto load = [&](Context& load_ctx) { return store.find(load_ctx, id); };      // Task<Result<User>>
//     auto user = co_await users.get_or_load<User>(ctx, "user:" + id, 5min, load);
//     YUN_CHECK(co_await users.erase(ctx, "user:" + id));
//
// store.hpp   open(), Cache (get, set, erase, get_or_load, stats), CacheOptions
// redis/client.hpp, redis/subscriber.hpp, redis/limiter.hpp   Redis itself: any command, scripts; pub/sub; a rate limit kept together
// driver.hpp  Driver, Stats: for those who write a driver; conformance.hpp is the suite it must pass

// cache::open is in the library yun::cache_all, which holds the table of drivers; yun::cache alone has memory:// (memory.hpp).

#include "yun/cache/store.hpp"
