package micro

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
)

// The routes of yun/http/router/router_bench.cpp, as each writes parameters.
var routes = []string{"/", "/health", "/metrics", "/api/login", "/api/users", "/api/users/{id}", "/api/users/{id}/orders", "/api/products",
	"/api/products/{id}", "/api/orders", "/api/orders/{id}", "/api/orders/{id}/cancel", "/repos/{owner}/{repo}/git/blobs/{sha}", "/docs", "/openapi.json"}

var colons = map[string]string{"/api/users/{id}": "/api/users/:id", "/api/users/{id}/orders": "/api/users/:id/orders", "/api/products/{id}": "/api/products/:id",
	"/api/orders/{id}": "/api/orders/:id", "/api/orders/{id}/cancel": "/api/orders/:id/cancel", "/repos/{owner}/{repo}/git/blobs/{sha}": "/repos/:owner/:repo/git/blobs/:sha"}

// serve is a whole ServeHTTP with a handler that does nothing: neither has its tree in the open.
func serve(b *testing.B, handler http.Handler, path string) {
	request := httptest.NewRequest("GET", path, nil)
	writer := httptest.NewRecorder()
	for b.Loop() {
		handler.ServeHTTP(writer, request)
	}
}

func ginRouter() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	for _, route := range routes {
		if with, ok := colons[route]; ok {
			route = with
		}
		engine.GET(route, func(*gin.Context) {})
	}
	return engine
}

func chiRouter() http.Handler {
	router := chi.NewRouter()
	for _, route := range routes {
		router.Get(route, func(http.ResponseWriter, *http.Request) {})
	}
	return router
}

func BenchmarkGinText(b *testing.B)  { serve(b, ginRouter(), "/api/products") }
func BenchmarkGinOne(b *testing.B)   { serve(b, ginRouter(), "/api/users/42") }
func BenchmarkGinThree(b *testing.B) { serve(b, ginRouter(), "/repos/yun/toolkit/git/blobs/deadbeef") }
func BenchmarkChiText(b *testing.B)  { serve(b, chiRouter(), "/api/products") }
func BenchmarkChiOne(b *testing.B)   { serve(b, chiRouter(), "/api/users/42") }
func BenchmarkChiThree(b *testing.B) { serve(b, chiRouter(), "/repos/yun/toolkit/git/blobs/deadbeef") }
