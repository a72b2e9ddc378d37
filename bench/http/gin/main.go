// Gin as a team would run it: recovery and Prometheus middleware, JSON from a struct by a path parameter. No access log.
//
//	gin ADDRESS
package main

import (
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type user struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func measured() gin.HandlerFunc {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests answered."}, []string{"method", "path", "status"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "Time to the answer."}, []string{"method", "path"})
	prometheus.MustRegister(requests, seconds)
	return func(c *gin.Context) {
		begun := time.Now()
		c.Next()
		requests.WithLabelValues(c.Request.Method, c.FullPath(), strconv.Itoa(c.Writer.Status())).Inc()
		seconds.WithLabelValues(c.Request.Method, c.FullPath()).Observe(time.Since(begun).Seconds())
	}
}

func main() {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(gin.Recovery(), measured())
	engine.GET("/health", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) })
	engine.GET("/api/users/:id", func(c *gin.Context) { c.JSON(http.StatusOK, user{c.Param("id"), "user_" + c.Param("id")}) })
	engine.GET("/metrics", gin.WrapH(promhttp.Handler()))
	if err := engine.Run(os.Args[1]); err != nil {
		panic(err)
	}
}
