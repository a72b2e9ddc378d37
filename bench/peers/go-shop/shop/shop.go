// Package shop: what the three programs of the Go shop share: access log, metrics and tokens, each by the package that Go teams take.
package shop

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// Logger writes JSON lines to a file, every one of them: zap's production settings without the sampling, which would drop lines of the access log.
func Logger(path string) *zap.Logger {
	config := zap.NewProductionConfig()
	config.Sampling = nil
	config.DisableCaller = true
	config.OutputPaths = []string{path}
	logger, err := config.Build()
	Must(err)
	return logger
}

// Must ends the program at start, when there is nothing else to do.
func Must(err error) {
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}

var (
	requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests answered."}, []string{"method", "path", "status"})
	seconds  = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "Time to the answer."}, []string{"method", "path"})
)

// Engine is Gin with recovery, request id, metrics and access log.
func Engine(logger *zap.Logger) *gin.Engine {
	prometheus.MustRegister(requests, seconds)
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(gin.Recovery(), observed(logger))
	engine.GET("/health", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
	return engine
}

func observed(logger *zap.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		begun := time.Now()
		id := c.GetHeader("X-Request-Id")
		if id == "" {
			id = uuid.NewString()
			c.Request.Header.Set("X-Request-Id", id)
		}
		c.Header("X-Request-Id", id)
		c.Next()
		took := time.Since(begun)
		requests.WithLabelValues(c.Request.Method, c.FullPath(), strconv.Itoa(c.Writer.Status())).Inc()
		seconds.WithLabelValues(c.Request.Method, c.FullPath()).Observe(took.Seconds())
		logger.Info("request", zap.String("method", c.Request.Method), zap.String("path", c.Request.URL.Path), zap.String("route", c.FullPath()),
			zap.Int("status", c.Writer.Status()), zap.Int("bytes", c.Writer.Size()), zap.Duration("took", took), zap.String("request_id", id),
			zap.String("client", c.ClientIP()), zap.String("subject", c.GetString("subject")))
	}
}

// Admin serves /metrics beside the service, and what else the program gave to the default mux.
func Admin(address string) {
	http.Handle("/metrics", promhttp.Handler())
	go func() { Must(http.ListenAndServe(address, nil)) }()
}

// Refuse answers as RFC 9457 has it.
func Refuse(c *gin.Context, status int, detail string) {
	c.Header("Content-Type", "application/problem+json")
	c.AbortWithStatusJSON(status, gin.H{"title": http.StatusText(status), "status": status, "detail": detail})
}

type verified struct {
	subject string
	until   time.Time
}

// Authenticated checks the bearer token against the user service's key set. Verified tokens are kept until they expire, as ours are.
func Authenticated(jwks string) gin.HandlerFunc {
	keys, err := keyfunc.NewDefault([]string{jwks})
	Must(err)
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer("shop"), jwt.WithAudience("shop"), jwt.WithExpirationRequired())
	var known sync.Map
	return func(c *gin.Context) {
		token, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
		if !ok {
			Refuse(c, http.StatusUnauthorized, "a bearer token is required")
			return
		}
		if hit, ok := known.Load(token); ok && time.Now().Before(hit.(verified).until) {
			c.Set("subject", hit.(verified).subject)
			return
		}
		var claims jwt.RegisteredClaims
		if _, err := parser.ParseWithClaims(token, &claims, keys.Keyfunc); err != nil {
			Refuse(c, http.StatusUnauthorized, "the token is not valid")
			return
		}
		known.Store(token, verified{claims.Subject, claims.ExpiresAt.Time})
		c.Set("subject", claims.Subject)
	}
}
