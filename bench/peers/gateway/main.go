// A Go gateway as teams write it: Gin, httputil's reverse proxy, golang-jwt and x/time/rate. Verified tokens are kept, as ours are, until they expire.
// No access log.
//
//	gateway ADDRESS UPSTREAM JWKS
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/time/rate"
)

type keySet map[string]*ecdsa.PublicKey

func loadKeys(path string) (keySet, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var document struct {
		Keys []struct{ Kid, X, Y string } `json:"keys"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	keys := keySet{}
	for _, k := range document.Keys {
		x, errX := base64.RawURLEncoding.DecodeString(k.X)
		y, errY := base64.RawURLEncoding.DecodeString(k.Y)
		if err := errors.Join(errX, errY); err != nil {
			return nil, err
		}
		keys[k.Kid] = &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)}
	}
	return keys, nil
}

type verified struct {
	subject string
	until   time.Time
}

// authenticated takes a token's subject from the cache of verified ones, or verifies it.
func authenticated(keys keySet) gin.HandlerFunc {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer("bench"), jwt.WithAudience("bench"), jwt.WithExpirationRequired())
	var known sync.Map
	key := func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if k, ok := keys[kid]; ok {
			return k, nil
		}
		return nil, errors.New("unknown key")
	}
	return func(c *gin.Context) {
		token, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
		if !ok {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		if hit, ok := known.Load(token); ok && time.Now().Before(hit.(verified).until) {
			c.Set("subject", hit.(verified).subject)
			return
		}
		var claims jwt.RegisteredClaims
		if _, err := parser.ParseWithClaims(token, &claims, key); err != nil {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		known.Store(token, verified{claims.Subject, claims.ExpiresAt.Time})
		c.Set("subject", claims.Subject)
	}
}

// limited gives each consumer a bucket of its own.
func limited(perSecond rate.Limit, burst int) gin.HandlerFunc {
	var buckets sync.Map
	return func(c *gin.Context) {
		bucket, ok := buckets.Load(c.GetString("subject"))
		if !ok {
			bucket, _ = buckets.LoadOrStore(c.GetString("subject"), rate.NewLimiter(perSecond, burst))
		}
		if !bucket.(*rate.Limiter).Allow() {
			c.AbortWithStatus(http.StatusTooManyRequests)
		}
	}
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
	upstream, err := url.Parse(os.Args[2])
	if err != nil {
		panic(err)
	}
	keys, err := loadKeys(os.Args[3])
	if err != nil {
		panic(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(upstream)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1024
	proxy.Transport = transport

	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(gin.Recovery(), measured())
	forward := func(c *gin.Context) { proxy.ServeHTTP(c.Writer, c.Request) }
	engine.GET("/plain/:id", forward)
	engine.GET("/policy/:id", authenticated(keys), limited(10_000_000, 10_000_000), forward)
	engine.GET("/metrics", gin.WrapH(promhttp.Handler()))
	panic(engine.Run(os.Args[1]))
}
