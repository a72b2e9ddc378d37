// Gin as a team would run it: recovery and Prometheus middleware, JSON bound and validated by tags. No access log.
//
//	gin ADDRESS [CERTIFICATE KEY]
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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

type line struct {
	Product    string   `json:"product" binding:"required,max=64"`
	Title      string   `json:"title" binding:"required,max=200"`
	Quantity   int64    `json:"quantity" binding:"min=1,max=1000"`
	PriceCents int64    `json:"price_cents" binding:"min=0,max=100000000"`
	Tags       []string `json:"tags" binding:"max=8"`
}

type order struct {
	Customer string `json:"customer" binding:"required,max=64"`
	Currency string `json:"currency" binding:"oneof=EUR USD CNY"`
	Note     string `json:"note" binding:"max=500"`
	Lines    []line `json:"lines" binding:"min=1,max=100,dive"`
}

type placed struct {
	ID         string `json:"id"`
	Customer   string `json:"customer"`
	Currency   string `json:"currency"`
	Note       string `json:"note"`
	Items      int64  `json:"items"`
	TotalCents int64  `json:"total_cents"`
	Lines      []line `json:"lines"`
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

func place(c *gin.Context) {
	var o order
	if err := c.ShouldBindJSON(&o); err != nil {
		c.JSON(http.StatusUnprocessableEntity, gin.H{"error": err.Error()})
		return
	}
	p := placed{ID: "o-1", Customer: o.Customer, Currency: o.Currency, Note: o.Note, Lines: o.Lines}
	for _, l := range p.Lines {
		p.Items += l.Quantity
		p.TotalCents += l.Quantity * l.PriceCents
	}
	c.JSON(http.StatusOK, p)
}

type report struct {
	ID     string `json:"id"`
	Digest string `json:"digest"`
}

var text = bytes.Repeat([]byte("x"), 512<<10)

// reports: the SHA-256 of half a MiB and the id, some hundred microseconds of computing.
func reports(c *gin.Context) {
	hash := sha256.New()
	hash.Write(text)
	hash.Write([]byte(c.Param("id")))
	c.JSON(http.StatusOK, report{c.Param("id"), hex.EncodeToString(hash.Sum(nil))})
}

func main() {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.UseH2C = true
	engine.Use(gin.Recovery(), measured())
	engine.GET("/api/users/:id", func(c *gin.Context) { c.JSON(http.StatusOK, user{c.Param("id"), "user_" + c.Param("id")}) })
	engine.POST("/api/orders", place)
	engine.GET("/api/reports/:id", reports)
	engine.GET("/metrics", gin.WrapH(promhttp.Handler()))
	var err error
	if len(os.Args) == 4 {
		err = engine.RunTLS(os.Args[1], os.Args[2], os.Args[3])
	} else {
		err = engine.Run(os.Args[1])
	}
	panic(err)
}
