package micro

import (
	"context"
	"os"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func BenchmarkCounterBound(b *testing.B) {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "b_total"}, []string{"method", "path", "status"}).WithLabelValues("GET", "/api/users/{id}", "200")
	for b.Loop() {
		counter.Inc()
	}
}

func BenchmarkCounterByLabels(b *testing.B) {
	counters := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "b_total"}, []string{"method", "path", "status"})
	for b.Loop() {
		counters.WithLabelValues("GET", "/api/users/{id}", "200").Inc()
	}
}

func BenchmarkHistogramBound(b *testing.B) {
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "b_seconds"})
	for b.Loop() {
		histogram.Observe(0.003)
	}
}

func BenchmarkLogToFile(b *testing.B) {
	file, err := os.Create(os.Getenv("BENCH_DATA") + "/zap.log")
	if err != nil {
		b.Fatal(err)
	}
	out := &zapcore.BufferedWriteSyncer{WS: file}
	logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), out, zap.InfoLevel))
	for b.Loop() {
		logger.Info("request", zap.String("method", "GET"), zap.String("path", "/api/users/42"), zap.String("route", "/api/users/{id}"), zap.Int("status", 200),
			zap.Float64("duration", 0.000123), zap.String("trace_id", "0af7651916cd43dd8448eb211c80319c"))
	}
	if err := out.Stop(); err != nil {
		b.Fatal(err)
	}
}

type dropped struct{}

func (dropped) ExportSpans(context.Context, []sdk.ReadOnlySpan) error { return nil }
func (dropped) Shutdown(context.Context) error                       { return nil }

func spans(b *testing.B, sampler sdk.Sampler) {
	provider := sdk.NewTracerProvider(sdk.WithSampler(sampler), sdk.WithBatcher(dropped{}))
	tracer := provider.Tracer("bench")
	for b.Loop() {
		_, span := tracer.Start(context.Background(), "GET /", trace.WithSpanKind(trace.SpanKindServer))
		span.SetAttributes(attribute.String("http.request.method", "GET"), attribute.String("http.route", "/api/users/{id}"), attribute.Int("http.response.status_code", 200))
		span.End()
	}
}

func BenchmarkSpanSampled(b *testing.B)   { spans(b, sdk.AlwaysSample()) }
func BenchmarkSpanUnsampled(b *testing.B) { spans(b, sdk.NeverSample()) }
