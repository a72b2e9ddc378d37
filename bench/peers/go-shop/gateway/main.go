// The Go shop's gateway: Gin, httputil's reverse proxy, golang-jwt over a fetched key set, x/time/rate; gRPC behind JSON by hand, as most write it.
//
//	gateway ADDRESS ADMIN LOG USERS USERS-ADMIN ORDERS REQUESTS-A-SECOND
package main

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"sync"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	users "yun/bench/gen/shop"
	"yun/bench/go-shop/shop"
)

// limited gives each key, a consumer or an address, a bucket of its own.
func limited(perSecond int, key func(*gin.Context) string) gin.HandlerFunc {
	var buckets sync.Map
	return func(c *gin.Context) {
		bucket, ok := buckets.Load(key(c))
		if !ok {
			bucket, _ = buckets.LoadOrStore(key(c), rate.NewLimiter(rate.Limit(perSecond), perSecond))
		}
		if !bucket.(*rate.Limiter).Allow() {
			shop.Refuse(c, http.StatusTooManyRequests, "too many requests")
		}
	}
}

// call binds a JSON body to a message and answers with the call's.
func call[In, Out any](code int, method func(context.Context, *In, ...grpc.CallOption) (*Out, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		in := new(In)
		if err := c.ShouldBindJSON(in); err != nil {
			shop.Refuse(c, http.StatusBadRequest, err.Error())
			return
		}
		out, err := method(c.Request.Context(), in)
		if err == nil {
			c.JSON(code, out)
			return
		}
		statuses := map[codes.Code]int{codes.InvalidArgument: 422, codes.AlreadyExists: 409, codes.Unauthenticated: 401, codes.Unavailable: 503}
		answer, ok := statuses[status.Code(err)]
		if !ok {
			answer = http.StatusInternalServerError
		}
		shop.Refuse(c, answer, status.Convert(err).Message())
	}
}

func proxyTo(address string) gin.HandlerFunc {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1024
	transport.MaxIdleConns = 0
	proxy.Transport = transport
	return func(c *gin.Context) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, 1<<20)
		proxy.ServeHTTP(c.Writer, c.Request)
	}
}

func main() {
	engine := shop.Engine(shop.Logger(os.Args[3]))
	shop.Admin(os.Args[2])
	connection, err := grpc.NewClient(os.Args[4], grpc.WithTransportCredentials(insecure.NewCredentials()))
	shop.Must(err)
	client, orders := users.NewUserServiceClient(connection), proxyTo(os.Args[6])
	perSecond, err := strconv.Atoi(os.Args[7])
	shop.Must(err)
	byAddress := limited(perSecond, func(c *gin.Context) string { return c.ClientIP() })
	byConsumer := limited(perSecond, func(c *gin.Context) string { return c.GetString("subject") })
	authenticated := shop.Authenticated("http://" + os.Args[5] + "/.well-known/jwks.json")

	engine.POST("/api/users", byAddress, call(http.StatusCreated, client.CreateUser))
	engine.POST("/api/login", byAddress, call(http.StatusOK, client.Login))
	engine.GET("/api/products", orders)
	engine.POST("/api/orders", authenticated, byConsumer, orders)
	shop.Must(engine.Run(os.Args[1]))
}
