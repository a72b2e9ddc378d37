#pragma once
// telemetry: what observe gathers, sent to an OpenTelemetry collector (OTLP over HTTP or gRPC). docs/telemetry.md has the variables and limits.
//
//     auto environment = telemetry::read_environment("order", "1.4.2");       // OTEL_EXPORTER_OTLP_ENDPOINT and its relations
//     telemetry::Exporter exporter(environment.options);
//     trace::Tracer tracer({.sinks = {exporter.span_sink()}});
//
// An App does that by itself when its environment names a collector.
//
//   ExporterOptions, Target, Batch, read_environment    options.hpp
//   Exporter                                            exporter.hpp

#include "yun/telemetry/exporter.hpp"
#include "yun/telemetry/options.hpp"
