#pragma once
// observe: logs, metrics and traces, and the Context that ties them to a request. Cheap enough to be on everywhere: rings and rows of
// numbers for each thread, nothing shared on the request path. Exporters (log::Sink, trace::SpanSink) are plugged in from above.
//
//     log::start({.service = "order"});
//     Observability seen;
//     auto& orders = seen.metrics.counters("orders_total", "Orders by outcome.", {"outcome"});
//     trace::Span span(seen.tracer, ctx, "place order");
//     orders.with({"placed"}).add();  log::info(ctx, "order placed", {{"order", id}});
//
// Names: Context; log::{start, stop, debug, info, warn, error, set_level, Field, Value, Sink, Occasional};
// metrics::{Registry, Counter, Gauge, UpDownCounter, Histogram, Family, negotiate, content_type, add_process_metrics, add_log_metrics,
// add_runtime_metrics}; trace::{Tracer, Span, Sampler, SpanSink, SpanData, parse_traceparent, format_traceparent}; Observability.

#include "yun/observe/context.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/observe/metrics/metrics.hpp"
#include "yun/observe/observability.hpp"
#include "yun/observe/trace/trace.hpp"
