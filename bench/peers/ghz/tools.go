//go:build tools

// Package ghz: the load generator that stands beside ours, at the version of go.mod.
package ghz

import _ "github.com/bojand/ghz/cmd/ghz"
