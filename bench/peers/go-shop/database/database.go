// Package database: SQLite by mattn/go-sqlite3 under database/sql.
package database

import (
	"database/sql"
	"net/url"

	_ "github.com/mattn/go-sqlite3"

	"yun/bench/go-shop/shop"
)

// Database has one connection that writes and four that read, as SQLite with a write-ahead log wants it.
type Database struct{ Writer, Reader *sql.DB }

// Open opens the file and runs its schema.
func Open(path, schema string) Database {
	open := func(options url.Values, connections int) *sql.DB {
		options.Set("_journal_mode", "WAL")
		options.Set("_synchronous", "FULL")
		options.Set("_foreign_keys", "on")
		options.Set("_busy_timeout", "5000")
		db, err := sql.Open("sqlite3", "file:"+path+"?"+options.Encode())
		shop.Must(err)
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		shop.Must(db.Ping())
		return db
	}
	writer := open(url.Values{"_txlock": {"immediate"}}, 1)
	_, err := writer.Exec(schema)
	shop.Must(err)
	return Database{writer, open(url.Values{"_query_only": {"true"}}, 4)}
}

// Prepare ends the program if the statement is wrong.
func Prepare(db *sql.DB, text string) *sql.Stmt {
	statement, err := db.Prepare(text)
	shop.Must(err)
	return statement
}
