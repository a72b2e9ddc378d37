// Echo as a team would run it: recover and Prometheus middleware, JSON from a struct by a path parameter. No access log.
//
//	echo ADDRESS
package main

import (
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type user struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func measured() echo.MiddlewareFunc {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests answered."}, []string{"method", "path", "status"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "Time to the answer."}, []string{"method", "path"})
	prometheus.MustRegister(requests, seconds)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			begun := time.Now()
			if err := next(c); err != nil {
				c.Error(err)
			}
			requests.WithLabelValues(c.Request().Method, c.Path(), strconv.Itoa(c.Response().Status)).Inc()
			seconds.WithLabelValues(c.Request().Method, c.Path()).Observe(time.Since(begun).Seconds())
			return nil
		}
	}
}

func main() {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Use(middleware.Recover(), measured())
	e.GET("/api/users/:id", func(c echo.Context) error { return c.JSON(http.StatusOK, user{c.Param("id"), "user_" + c.Param("id")}) })
	e.GET("/metrics", echo.WrapHandler(promhttp.Handler()))
	e.Logger.Fatal(e.Start(os.Args[1]))
}
