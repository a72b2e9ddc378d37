// Neighbour: an HTTP server that is traced by OpenTelemetry's Go SDK. It answers with what it took from the request's trace context:
//
//	oteltrace PORT
//	GET /?call=URL    makes a span below the caller's, calls URL with its own context, and gives both: {"trace_id", "parent_id", "span_id", "sampled", "state", "answer"}
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

var (
	tracer    = trace.NewTracerProvider(trace.WithSampler(trace.ParentBased(trace.AlwaysSample()))).Tracer("neighbour")
	carried   = propagation.TraceContext{}
	asNothing = json.RawMessage("null")
)

func serve(answer http.ResponseWriter, request *http.Request) {
	parent := carried.Extract(request.Context(), propagation.HeaderCarrier(request.Header))
	ctx, span := tracer.Start(parent, "neighbour")
	defer span.End()
	said := map[string]any{
		"trace_id":  span.SpanContext().TraceID().String(),
		"parent_id": api.SpanContextFromContext(parent).SpanID().String(),
		"span_id":   span.SpanContext().SpanID().String(),
		"sampled":   span.SpanContext().IsSampled(),
		"state":     span.SpanContext().TraceState().String(),
		"answer":    asNothing,
	}
	if url := request.URL.Query().Get("call"); url != "" {
		call, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadRequest)
			return
		}
		carried.Inject(ctx, propagation.HeaderCarrier(call.Header))
		got, err := http.DefaultClient.Do(call)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadGateway)
			return
		}
		defer got.Body.Close()
		body, _ := io.ReadAll(got.Body)
		said["answer"] = json.RawMessage(body)
	}
	answer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(answer).Encode(said)
}

func main() {
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(serve)))
}
