// grpc-go as a team would run it: the Prometheus interceptors of its ecosystem are left out, so it does less than ours. No access log.
//
//	grpcgo ADDRESS
package main

import (
	"context"
	"io"
	"net"
	"os"

	"google.golang.org/grpc"

	"yun/bench/gen"
)

type echo struct {
	gen.UnimplementedEchoServer
}

func (echo) Unary(_ context.Context, m *gen.Message) (*gen.Message, error) {
	return &gen.Message{Payload: m.Payload}, nil
}

func (echo) GetUser(_ context.Context, r *gen.GetUserRequest) (*gen.User, error) {
	return &gen.User{Id: r.Id, Name: "user_" + r.Id}, nil
}

func (echo) Stream(stream grpc.BidiStreamingServer[gen.Message, gen.Message]) error {
	for {
		m, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer()
	gen.RegisterEchoServer(server, echo{})
	panic(server.Serve(listener))
}
