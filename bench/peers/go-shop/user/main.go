// The Go shop's user service: grpc-go over database/sql, with the key set on its admin port.
//
//	user ADDRESS ADMIN LOG DATABASE
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/crypto/argon2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	users "yun/bench/gen/shop"
	"yun/bench/go-shop/database"
	"yun/bench/go-shop/shop"
)

const schema = `
create table if not exists users (
  id text primary key, name text not null, email text not null, email_key text not null unique, password_hash text not null, created_at integer not null);`

type service struct {
	users.UnimplementedUserServiceServer
	insert, find, credentials *sql.Stmt
	key                       *ecdsa.PrivateKey
	cache                     sync.Map // of users by id, each for a minute
}

type cached struct {
	user  *users.User
	until time.Time
}

const keyID = "shop-1"

// hash: 16 bytes of salt, then Argon2id with the parameters of our own service.
func hash(password string, salt []byte) []byte {
	return append(salt[:16:16], argon2.IDKey([]byte(password), salt[:16], 2, 19456, 1, 32)...)
}

func (s *service) CreateUser(ctx context.Context, in *users.CreateUserRequest) (*users.User, error) {
	if strings.TrimSpace(in.Name) == "" || len(in.Name) > 100 || !strings.Contains(in.Email, "@") || len(in.Email) > 254 || len(in.Password) < 8 || len(in.Password) > 256 {
		return nil, status.Error(codes.InvalidArgument, "the request has invalid fields")
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	id, now := uuid.Must(uuid.NewV7()).String(), time.Now()
	_, err := s.insert.ExecContext(ctx, id, in.Name, in.Email, strings.ToLower(in.Email), hash(in.Password, salt), now.UnixMicro())
	if err != nil && strings.Contains(err.Error(), "UNIQUE") {
		return nil, status.Error(codes.AlreadyExists, "the email address is taken")
	}
	if err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	return &users.User{Id: id, Name: in.Name, Email: in.Email, CreatedAt: timestamppb.New(now)}, nil
}

func (s *service) GetUser(ctx context.Context, in *users.GetUserRequest) (*users.User, error) {
	if hit, ok := s.cache.Load(in.Id); ok && time.Now().Before(hit.(cached).until) {
		return hit.(cached).user, nil
	}
	user, micros := &users.User{}, int64(0)
	err := s.find.QueryRowContext(ctx, in.Id).Scan(&user.Id, &user.Name, &user.Email, &micros)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, status.Error(codes.NotFound, "no such user")
	}
	if err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	user.CreatedAt = timestamppb.New(time.UnixMicro(micros))
	s.cache.Store(user.Id, cached{user, time.Now().Add(time.Minute)})
	return user, nil
}

func (s *service) Login(ctx context.Context, in *users.LoginRequest) (*users.LoginResponse, error) {
	id, known := "", make([]byte, 48)
	err := s.credentials.QueryRowContext(ctx, strings.ToLower(in.Email)).Scan(&id, &known)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	if subtle.ConstantTimeCompare(hash(in.Password, known), known) != 1 || err != nil {
		return nil, status.Error(codes.Unauthenticated, "wrong email or password")
	}
	now := time.Now()
	claims := jwt.RegisteredClaims{Issuer: "shop", Audience: []string{"shop"}, Subject: id, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Hour))}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = keyID
	signed, err := token.SignedString(s.key)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &users.LoginResponse{Token: signed, ExpiresAt: timestamppb.New(claims.ExpiresAt.Time)}, nil
}

// observed counts, times and logs each call.
func observed(logger *zap.Logger) grpc.UnaryServerInterceptor {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rpc_server_requests_total", Help: "Calls answered."}, []string{"method", "code"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rpc_server_duration_seconds", Help: "Time to the answer."}, []string{"method"})
	prometheus.MustRegister(requests, seconds)
	return func(ctx context.Context, in any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		begun := time.Now()
		out, err := handler(ctx, in)
		took, code := time.Since(begun), status.Code(err)
		requests.WithLabelValues(info.FullMethod, code.String()).Inc()
		seconds.WithLabelValues(info.FullMethod).Observe(took.Seconds())
		logger.Info("request", zap.String("route", info.FullMethod), zap.Stringer("code", code), zap.Duration("took", took))
		return out, err
	}
}

func serveKeys(s *service) {
	key, err := jwkset.NewJWKFromKey(s.key.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: keyID, ALG: jwkset.AlgES256, USE: jwkset.UseSig}})
	shop.Must(err)
	text, err := json.Marshal(map[string]any{"keys": []any{key.Marshal()}})
	shop.Must(err)
	http.HandleFunc("/.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) { w.Write(text) })
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok")) })
}

func main() {
	db := database.Open(os.Args[4], schema)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	shop.Must(err)
	s := &service{
		insert:      database.Prepare(db.Writer, "insert into users (id, name, email, email_key, password_hash, created_at) values (?, ?, ?, ?, ?, ?)"),
		find:        database.Prepare(db.Reader, "select id, name, email, created_at from users where id = ?"),
		credentials: database.Prepare(db.Reader, "select id, password_hash from users where email_key = ?"),
		key:         key,
	}
	serveKeys(s)
	shop.Admin(os.Args[2])
	listener, err := net.Listen("tcp", os.Args[1])
	shop.Must(err)
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(observed(shop.Logger(os.Args[3]))))
	users.RegisterUserServiceServer(server, s)
	shop.Must(server.Serve(listener))
}
