// Package micro has the Go side of the rows that measure one operation: `go test -c` makes the program.
package micro
