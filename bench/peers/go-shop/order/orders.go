package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/mattn/go-sqlite3"

	"yun/bench/go-shop/database"
)

const (
	keyLife = 24 * time.Hour
	batch   = 100
	schema  = `
create table if not exists products (
  id text primary key, name text not null, amount integer not null, currency text not null, stock integer not null check (stock >= 0));
create table if not exists orders (
  id text primary key, user_id text not null, status text not null, amount integer not null, currency text not null, created_at integer not null);
create index if not exists orders_by_user on orders (user_id, id);
create table if not exists items (
  order_id text not null references orders (id), position integer not null, product_id text not null, quantity integer not null,
  amount integer not null, currency text not null, primary key (order_id, position)) without rowid;
create table if not exists keys (
  user_id text not null, key text not null, body text not null, order_json text not null, created_at integer not null, primary key (user_id, key)) without rowid;
create index if not exists keys_by_age on keys (created_at);
create table if not exists outbox (id integer primary key autoincrement, payload text not null, created_at integer not null, sent_at integer);
create index if not exists outbox_unsent on outbox (id) where sent_at is null;
insert or ignore into products (id, name, amount, currency, stock) values
  ('tea-longjing', 'Longjing tea, 100 g', 6800, 'CNY', 500), ('tea-puer', 'Pu''er tea cake, 357 g', 12900, 'CNY', 120),
  ('cup-celadon', 'Celadon cup', 3900, 'CNY', 80), ('pot-yixing', 'Yixing teapot', 45900, 'CNY', 12),
  ('bag-cotton', 'Cotton bag', 900, 'CNY', 100000), ('scale-pocket', 'Pocket scale', 5900, 'CNY', 40);`
)

type money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

type product struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Price money  `json:"price"`
	Stock int64  `json:"stock"`
}

type newItem struct {
	ProductID string `json:"product_id" binding:"required,max=100"`
	Quantity  int64  `json:"quantity" binding:"min=1,max=1000"`
}

type newOrder struct {
	Items []newItem `json:"items" binding:"min=1,max=100,dive"`
}

type item struct {
	ProductID string `json:"product_id"`
	Quantity  int64  `json:"quantity"`
	Price     money  `json:"price"`
}

type order struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`
	Items     []item    `json:"items"`
	Total     money     `json:"total"`
	CreatedAt time.Time `json:"created_at"`
}

type event struct {
	Type   string `json:"type"`
	UserID string `json:"user_id"`
	Order  order  `json:"order"`
}

// refusal is the client's fault.
type refusal struct {
	status int
	detail string
}

func (r refusal) Error() string { return r.detail }

// orders holds every statement prepared: those that read on the readers' connections, those of a transaction on the writer's.
type orders struct {
	db                                                                                                          database.Database
	list, replayKey, unsent                                                                                     *sql.Stmt
	selectKey, selectProduct, take, insertOrder, insertItem, insertEvent, sent, deleteKey, insertKey, finishKey *sql.Stmt
}

func newOrders(db database.Database) *orders {
	read := func(text string) *sql.Stmt { return database.Prepare(db.Reader, text) }
	write := func(text string) *sql.Stmt { return database.Prepare(db.Writer, text) }
	const selectKey = "select body, order_json from keys where user_id = ? and key = ? and created_at > ?"
	return &orders{
		db:            db,
		list:          read("select id, name, amount, currency, stock from products order by id"),
		replayKey:     read(selectKey),
		unsent:        read("select id, payload from outbox where sent_at is null order by id limit ?"),
		selectKey:     write(selectKey),
		selectProduct: write("select id, name, amount, currency, stock from products where id = ?"),
		take:          write("update products set stock = stock - ? where id = ? and stock >= ?"),
		insertOrder:   write("insert into orders (id, user_id, status, amount, currency, created_at) values (?, ?, ?, ?, ?, ?)"),
		insertItem:    write("insert into items (order_id, position, product_id, quantity, amount, currency) values (?, ?, ?, ?, ?, ?)"),
		deleteKey:     write("delete from keys where user_id = ? and key = ? and created_at <= ?"),
		insertKey:     write("insert into keys (user_id, key, body, order_json, created_at) values (?, ?, ?, '', ?)"),
		finishKey:     write("update keys set order_json = ? where user_id = ? and key = ?"),
		insertEvent:   write("insert into outbox (payload, created_at) values (?, ?)"),
		sent:          write("update outbox set sent_at = ? where id = ?"),
	}
}

func (o *orders) products(ctx context.Context) ([]product, error) {
	rows, err := o.list.QueryContext(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []product
	for rows.Next() {
		var p product
		if err := rows.Scan(&p.ID, &p.Name, &p.Price.Amount, &p.Price.Currency, &p.Stock); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// replayed gives the order that the key made before; nil if it made none.
func replayed(row *sql.Row, body []byte) (*order, error) {
	var known, text string
	switch err := row.Scan(&known, &text); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case known != string(body):
		return nil, refusal{http.StatusUnprocessableEntity, "the idempotency key was used for another request"}
	}
	before := new(order)
	return before, json.Unmarshal([]byte(text), before)
}

func (o *orders) replay(ctx context.Context, user, key string, wanted newOrder) (*order, error) {
	body, err := json.Marshal(wanted)
	if err != nil {
		return nil, err
	}
	return replayed(o.replayKey.QueryRowContext(ctx, user, key, time.Now().Add(-keyLife).UnixMicro()), body)
}

func (o *orders) place(ctx context.Context, user, key string, wanted newOrder) (*order, error) {
	body, err := json.Marshal(wanted)
	if err != nil {
		return nil, err
	}
	tx, err := o.db.Writer.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	now := time.Now().UTC().Truncate(time.Microsecond)
	before, err := o.claim(ctx, tx, user, key, body, now)
	if err != nil || before != nil {
		return before, err
	}
	placed := &order{ID: uuid.Must(uuid.NewV7()).String(), Status: "placed", CreatedAt: now}
	for _, each := range wanted.Items {
		taken, err := o.takeItem(ctx, tx, each)
		if err != nil {
			return nil, err
		}
		if placed.Total.Currency != "" && placed.Total.Currency != taken.Price.Currency {
			return nil, refusal{http.StatusUnprocessableEntity, "the items have different currencies"}
		}
		placed.Total = money{placed.Total.Amount + taken.Price.Amount*taken.Quantity, taken.Price.Currency}
		placed.Items = append(placed.Items, taken)
	}
	if err := o.write(ctx, tx, user, key, placed); err != nil {
		return nil, err
	}
	return placed, tx.Commit()
}

// claim makes the key this transaction's own, or gives the order that it has made.
func (o *orders) claim(ctx context.Context, tx *sql.Tx, user, key string, body []byte, now time.Time) (*order, error) {
	expired := now.Add(-keyLife).UnixMicro()
	if _, err := tx.StmtContext(ctx, o.deleteKey).ExecContext(ctx, user, key, expired); err != nil {
		return nil, err
	}
	_, err := tx.StmtContext(ctx, o.insertKey).ExecContext(ctx, user, key, string(body), now.UnixMicro())
	var fault sqlite3.Error
	if errors.As(err, &fault) && fault.ExtendedCode == sqlite3.ErrConstraintPrimaryKey {
		return replayed(tx.StmtContext(ctx, o.selectKey).QueryRowContext(ctx, user, key, expired), body)
	}
	return nil, err
}

// takeItem takes one item out of the stock and prices it.
func (o *orders) takeItem(ctx context.Context, tx *sql.Tx, wanted newItem) (item, error) {
	var p product
	row := tx.StmtContext(ctx, o.selectProduct).QueryRowContext(ctx, wanted.ProductID)
	if err := row.Scan(&p.ID, &p.Name, &p.Price.Amount, &p.Price.Currency, &p.Stock); errors.Is(err, sql.ErrNoRows) {
		return item{}, refusal{http.StatusUnprocessableEntity, "the order names an unknown product"}
	} else if err != nil {
		return item{}, err
	}
	done, err := tx.StmtContext(ctx, o.take).ExecContext(ctx, wanted.Quantity, p.ID, wanted.Quantity)
	if err != nil {
		return item{}, err
	}
	if changed, err := done.RowsAffected(); err != nil || changed == 0 {
		return item{}, errors.Join(err, refusal{http.StatusConflict, fmt.Sprintf("not enough of product '%s' in stock: %d left", p.ID, p.Stock)})
	}
	return item{p.ID, wanted.Quantity, p.Price}, nil
}

func (o *orders) write(ctx context.Context, tx *sql.Tx, user, key string, placed *order) error {
	micros := placed.CreatedAt.UnixMicro()
	if _, err := tx.StmtContext(ctx, o.insertOrder).ExecContext(ctx, placed.ID, user, placed.Status, placed.Total.Amount, placed.Total.Currency, micros); err != nil {
		return err
	}
	insertItem := tx.StmtContext(ctx, o.insertItem)
	for i, each := range placed.Items {
		if _, err := insertItem.ExecContext(ctx, placed.ID, i, each.ProductID, each.Quantity, each.Price.Amount, each.Price.Currency); err != nil {
			return err
		}
	}
	text, err := json.Marshal(placed)
	if err != nil {
		return err
	}
	if _, err := tx.StmtContext(ctx, o.finishKey).ExecContext(ctx, string(text), user, key); err != nil {
		return err
	}
	payload, err := json.Marshal(event{"order.placed", user, *placed})
	if err != nil {
		return err
	}
	_, err = tx.StmtContext(ctx, o.insertEvent).ExecContext(ctx, string(payload), micros)
	return err
}

// deliver hands one batch of the outbox to the subscriber and marks it; how many there were.
func (o *orders) deliver(ctx context.Context, subscriber func(string)) (int, error) {
	rows, err := o.unsent.QueryContext(ctx, batch)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		var payload string
		if err := rows.Scan(&id, &payload); err != nil {
			return 0, err
		}
		subscriber(payload)
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil || len(ids) == 0 {
		return 0, err
	}
	tx, err := o.db.Writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	sent := tx.StmtContext(ctx, o.sent)
	for _, id := range ids {
		if _, err := sent.ExecContext(ctx, time.Now().UnixMicro(), id); err != nil {
			return 0, err
		}
	}
	return len(ids), tx.Commit()
}
