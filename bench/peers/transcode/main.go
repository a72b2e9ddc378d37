// grpc-gateway as its documentation has it: JSON to a unary gRPC method and back. No metrics, no access log, so it does less than ours.
//
//	transcode ADDRESS UPSTREAM
package main

import (
	"context"
	"net/http"
	"os"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"yun/bench/gen"
)

func main() {
	mux := runtime.NewServeMux()
	options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	if err := gen.RegisterEchoHandlerFromEndpoint(context.Background(), mux, os.Args[2], options); err != nil {
		panic(err)
	}
	panic(http.ListenAndServe(os.Args[1], mux))
}
