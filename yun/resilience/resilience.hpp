#pragma once
// resilience: what keeps one failing part from taking the others along. One policy a file; each decides by itself and is told the time.
//
//     resilience::RetryBudget budget;                                   // one a client and loop
//     auto user = co_await resilience::retry(ctx, {}, &budget, [&](Context& attempt_ctx, unsigned) { return users.get(attempt_ctx, id); });
//     YUN_CHECK(breaker.allow(loop.now()));  ...  breaker.record(loop.now(), result);
//     resilience::KeyedLimiter limiter({.rate = {100, 1s}});
//     if (!limiter.take(client_ip, loop.now()).allowed) return too_many;
//
// deadline.hpp      with_timeout()
// retry.hpp         retry(), RetryOptions, RetryBudget, Backoff, is_retryable()
// breaker.hpp       Breaker, BreakerOptions, counts_against_server()
// token_bucket.hpp  TokenBucket, KeyedLimiter, LimiterOptions, LimitDecision
// concurrency.hpp   ConcurrencyLimit, ConcurrencyOptions: for what calls a service whose queue it cannot see
// shedder.hpp       LoadShedder, LoadShedderOptions: for what runs on a loop

#include "yun/resilience/breaker.hpp"
#include "yun/resilience/concurrency.hpp"
#include "yun/resilience/deadline.hpp"
#include "yun/resilience/retry.hpp"
#include "yun/resilience/shedder.hpp"
#include "yun/resilience/token_bucket.hpp"
