//go:build tools

// Package peers names the program that is built from this module, so that go.mod keeps it.
package peers

import _ "go.etcd.io/etcd/server/v3"
