#!/usr/bin/env bash
# grpcurl on the user service: nothing but what the server's own reflection tells it.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh
source tools/setup
source tools/peers/peers

grpcurl=$(peer grpcurl) || { skip "grpcurl" "it could not be built"; finish; }
dir=$(scratch)
port=$(free_port 2)
at=127.0.0.1:$port
mkdir "$dir/user"
start "$dir/log" "$bin/user" --listen "$at" --admin "127.0.0.1:$((port + 1))" --data "$dir/user"
check "the user service is ready on the port that speaks gRPC" wait_http "http://$at/health"
call() { timeout 10 "$grpcurl" -plaintext "$@" 2>&1; }

check "list" contains "$(call "$at" list)" shop.v1.UserService
check "health is a service too" contains "$(call "$at" list)" grpc.health.v1.Health
said=$(call "$at" describe shop.v1.UserService)
for method in CreateUser GetUser BatchGetUsers ListUsers Login WatchUsers; do check "describe has $method" contains "$said" "rpc $method"; done
check "WatchUsers is a stream" contains "$said" "returns ( stream "
said=$(call -d '{"name":"Ada","email":"ada@example.com","password":"correct horse battery"}' "$at" shop.v1.UserService/CreateUser)
check "CreateUser" contains "$said" '"email": "ada@example.com"'
id=$(json id <<<"$said")
check "the same email is ALREADY_EXISTS" contains "$(call -d '{"name":"A","email":"ADA@example.com","password":"correct horse battery"}' "$at" shop.v1.UserService/CreateUser)" "Code: AlreadyExists"
said=$(call -d '{}' "$at" shop.v1.UserService/CreateUser)
check "bad fields are INVALID_ARGUMENT" contains "$said" "Code: InvalidArgument"
check "with each field's violation in the details" contains "$said" google.rpc.BadRequest
check "GetUser" contains "$(call -d "{\"id\":\"$id\"}" "$at" shop.v1.UserService/GetUser)" '"name": "Ada"'
check "an unknown id is NOT_FOUND" contains "$(call -d '{"id":"nobody"}' "$at" shop.v1.UserService/GetUser)" "Code: NotFound"
check "BatchGetUsers" contains "$(call -d "{\"ids\":[\"$id\",\"nobody\"]}" "$at" shop.v1.UserService/BatchGetUsers)" '"name": "Ada"'
check "ListUsers" contains "$(call -d '{"page_size":10}' "$at" shop.v1.UserService/ListUsers)" '"name": "Ada"'
check "Login" contains "$(call -d '{"email":"Ada@example.com","password":"correct horse battery"}' "$at" shop.v1.UserService/Login)" '"token"'
check "a wrong password is UNAUTHENTICATED" contains "$(call -d '{"email":"ada@example.com","password":"wrong"}' "$at" shop.v1.UserService/Login)" "Code: Unauthenticated"
check "health says SERVING" contains "$(call -d '{}' "$at" grpc.health.v1.Health/Check)" SERVING
timeout 20 "$grpcurl" -plaintext -d '{}' "$at" shop.v1.UserService/WatchUsers >"$dir/watched" 2>&1 &
watcher=$!
for i in {1..50}; do
  call -d "{\"name\":\"Bob\",\"email\":\"bob$i@example.com\",\"password\":\"correct horse battery\"}" "$at" shop.v1.UserService/CreateUser >/dev/null
  grep -q Bob "$dir/watched" && break
done
check "WatchUsers tells of a user created from now on" grep -q Bob "$dir/watched"
kill "$watcher" 2>/dev/null
$python -c 'print("{\"name\":\"" + "x" * 4500000 + "\"}")' >"$dir/large"
check "a message over 4 MiB is RESOURCE_EXHAUSTED" contains "$(call -d @ -max-msg-sz 9000000 "$at" shop.v1.UserService/CreateUser <"$dir/large")" "Code: ResourceExhausted"
DB_HOST=mysql-service timeout 5 "$bin/user" --listen "127.0.0.1:$(free_port)" --admin "127.0.0.1:$(free_port)" --data "$dir/other" >"$dir/mysql" 2>&1
check "a DB_HOST that is not there ends the start with a clear error" bash -c "[[ $? != 0 && $? != 124 ]] && grep -q '^user: mysql at mysql-service:3306: ' '$dir/mysql'"
finish
