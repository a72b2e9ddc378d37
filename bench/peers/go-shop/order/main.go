// The Go shop's order service: Gin over database/sql. It checks tokens itself and asks the user service by gRPC whether the user is there.
//
//	order ADDRESS ADMIN LOG DATABASE USERS USERS-ADMIN
package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	users "yun/bench/gen/shop"
	"yun/bench/go-shop/database"
	"yun/bench/go-shop/shop"
)

type server struct {
	orders *orders
	users  users.UserServiceClient
}

func (s *server) place(c *gin.Context) {
	user, key := c.GetString("subject"), c.GetHeader("Idempotency-Key")
	if key == "" || len(key) > 200 {
		shop.Refuse(c, http.StatusBadRequest, "an Idempotency-Key header of 1 to 200 bytes is required")
		return
	}
	var wanted newOrder
	if err := c.ShouldBindJSON(&wanted); err != nil {
		shop.Refuse(c, http.StatusUnprocessableEntity, err.Error())
		return
	}
	ctx := c.Request.Context()
	placed, err := s.orders.replay(ctx, user, key, wanted)
	if err == nil && placed == nil {
		if !s.known(c, user) {
			return
		}
		placed, err = s.orders.place(ctx, user, key, wanted)
	}
	var fault refusal
	switch {
	case errors.As(err, &fault):
		shop.Refuse(c, fault.status, fault.detail)
	case err != nil:
		shop.Refuse(c, http.StatusServiceUnavailable, "the database is away")
	default:
		c.Header("Location", "/api/orders/"+placed.ID)
		c.JSON(http.StatusCreated, placed)
	}
}

// known asks the user service; it has refused the request if not.
func (s *server) known(c *gin.Context, user string) bool {
	ctx, cancel := context.WithTimeout(c.Request.Context(), 1500*time.Millisecond)
	defer cancel()
	_, err := s.users.GetUser(ctx, &users.GetUserRequest{Id: user})
	switch {
	case err == nil:
		return true
	case status.Code(err) == codes.NotFound:
		shop.Refuse(c, http.StatusUnauthorized, "the token's user is gone")
	default:
		shop.Refuse(c, http.StatusServiceUnavailable, "the user service is away")
	}
	return false
}

// relay hands the outbox's events on, at least once and in order.
func relay(o *orders, logger *zap.Logger) {
	for {
		delivered, err := o.deliver(context.Background(), func(payload string) { logger.Info("order event", zap.String("event", payload)) })
		switch {
		case err != nil:
			time.Sleep(time.Second)
		case delivered < batch:
			time.Sleep(100 * time.Millisecond)
		}
	}
}

func main() {
	logger := shop.Logger(os.Args[3])
	engine := shop.Engine(logger)
	shop.Admin(os.Args[2])
	connection, err := grpc.NewClient(os.Args[5], grpc.WithTransportCredentials(insecure.NewCredentials()))
	shop.Must(err)
	s := &server{newOrders(database.Open(os.Args[4], schema)), users.NewUserServiceClient(connection)}
	go relay(s.orders, logger)
	engine.GET("/api/products", s.products)
	engine.POST("/api/orders", shop.Authenticated("http://"+os.Args[6]+"/.well-known/jwks.json"), s.place)
	shop.Must(engine.Run(os.Args[1]))
}

func (s *server) products(c *gin.Context) {
	list, err := s.orders.products(c.Request.Context())
	if err != nil {
		shop.Refuse(c, http.StatusServiceUnavailable, "the database is away")
		return
	}
	c.JSON(http.StatusOK, gin.H{"products": list})
}
