package micro

import (
	"encoding/json"
	"os"
	"testing"
)

type line struct {
	Product    string   `json:"product"`
	Title      string   `json:"title"`
	Quantity   int64    `json:"quantity"`
	PriceCents int64    `json:"price_cents"`
	Tags       []string `json:"tags"`
}

type order struct {
	Customer string `json:"customer"`
	Currency string `json:"currency"`
	Note     string `json:"note"`
	Lines    []line `json:"lines"`
}

type user struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// text is what BENCH_DATA has under that name: small.json, order.json or orders.json.
func text(b *testing.B, name string) []byte {
	data, err := os.ReadFile(os.Getenv("BENCH_DATA") + "/" + name)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func read[T any](b *testing.B, name string) {
	data := text(b, name)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var into T
		if err := json.Unmarshal(data, &into); err != nil {
			b.Fatal(err)
		}
	}
}

func write[T any](b *testing.B, name string) {
	data := text(b, name)
	var from T
	if err := json.Unmarshal(data, &from); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := json.Marshal(from); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadSmall(b *testing.B)   { read[user](b, "small.json") }
func BenchmarkReadOrder(b *testing.B)   { read[order](b, "order.json") }
func BenchmarkReadOrders(b *testing.B)  { read[[]order](b, "orders.json") }
func BenchmarkWriteSmall(b *testing.B)  { write[user](b, "small.json") }
func BenchmarkWriteOrder(b *testing.B)  { write[order](b, "order.json") }
func BenchmarkWriteOrders(b *testing.B) { write[[]order](b, "orders.json") }
