#include "apps/order/schema.hpp"

namespace shop {

namespace {

// What has run is recorded with a checksum: the text of a step never changes, not even its spaces.

constexpr const char* kProducts = R"(
        insert into products (id, name, amount, currency, stock) values
          ('tea-longjing', 'Longjing tea, 100 g', 6800, 'CNY', 500),
          ('tea-puer', 'Pu''er tea cake, 357 g', 12900, 'CNY', 120),
          ('cup-celadon', 'Celadon cup', 3900, 'CNY', 80),
          ('pot-yixing', 'Yixing teapot', 45900, 'CNY', 12),
          ('bag-cotton', 'Cotton bag', 900, 'CNY', 100000),
          ('scale-pocket', 'Pocket scale', 5900, 'CNY', 40);)";

constexpr const char* kSqlite = R"(
        create table products (
          id text primary key, name text not null, amount integer not null, currency text not null,
          stock integer not null check (stock >= 0));
        create table orders (
          id text primary key, user_id text not null, status text not null, amount integer not null, currency text not null,
          created_at integer not null);
        create index orders_by_user on orders (user_id, id);
        create table items (
          order_id text not null references orders (id), position integer not null, product_id text not null, quantity integer not null,
          amount integer not null, currency text not null, primary key (order_id, position)) without rowid;
        create table keys (
          user_id text not null, key text not null, body text not null, order_json text not null, created_at integer not null,
          primary key (user_id, key)) without rowid;
        create index keys_by_age on keys (created_at);
        create table outbox (id integer primary key autoincrement, payload text not null, created_at integer not null, sent_at integer);
        create index outbox_unsent on outbox (id) where sent_at is null;)";

/// Ids are compared byte by byte, as SQLite does.
constexpr const char* kMysql = R"(
  create table products (
    id varchar(64) primary key, name varchar(200) not null, amount bigint not null, currency varchar(3) not null,
    stock bigint not null check (stock >= 0)) character set utf8mb4 collate utf8mb4_bin;
  create table orders (
    id varchar(64) primary key, user_id varchar(64) not null, status varchar(20) not null, amount bigint not null, currency varchar(3) not null,
    created_at bigint not null, index orders_by_user (user_id, id)) character set utf8mb4 collate utf8mb4_bin;
  create table items (
    order_id varchar(64) not null, position bigint not null, product_id varchar(64) not null, quantity bigint not null,
    amount bigint not null, currency varchar(3) not null, primary key (order_id, position),
    foreign key (order_id) references orders (id)) character set utf8mb4 collate utf8mb4_bin;
  create table "keys" (
    user_id varchar(64) not null, "key" varchar(200) not null, body mediumtext not null, order_json mediumtext not null, created_at bigint not null,
    primary key (user_id, "key"), index keys_by_age (created_at)) character set utf8mb4 collate utf8mb4_bin;
  create table outbox (
    id bigint primary key auto_increment, payload mediumtext not null, created_at bigint not null, sent_at bigint,
    index outbox_unsent (sent_at, id)) character set utf8mb4 collate utf8mb4_bin;)";

}  // namespace

const std::vector<yun::sql::Migration>& migrations(yun::sql::Dialect dialect) {
  static const std::vector<yun::sql::Migration> sqlite = {{"0001_orders", kSqlite}, {"0002_products", kProducts}};
  static const std::vector<yun::sql::Migration> mysql = {{"0001_orders", kMysql}, {"0002_products", kProducts}};
  return dialect == yun::sql::Dialect::Mysql ? mysql : sqlite;
}

}  // namespace shop
