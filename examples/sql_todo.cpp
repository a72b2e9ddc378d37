// sql_todo [--listen 127.0.0.1:8080] [--database sqlite://todo.db]: a table, three routes, migrations, validation.
//
//     curl -d '{"title":"write"}' -H 'content-type: application/json' http://127.0.0.1:8080/todos      {"id":1,"title":"write","done":false}
//     curl -X POST http://127.0.0.1:8080/todos/1/done                                                  {"id":1,"title":"write","done":true}
//     curl http://127.0.0.1:8080/todos                                                                 [{"id":1,"title":"write","done":true}]

#include "yun/yun.hpp"

namespace {

using namespace yun;

struct Settings { std::string database = "sqlite://todo.db"; };

struct Todo {
  std::int64_t id = 0;
  std::string title;
  bool done = false;
};

struct NewTodo {
  std::string title;
  static void rules(json::Rules<NewTodo>& r) { r.field(&NewTodo::title).not_blank().max_length(200); }
};

const std::vector<sql::Migration> kMigrations = {
    {"0001_todos", "create table todos (id integer primary key, title text not null, done integer not null default 0);"}};

struct Todos {
  sql::Pool pool;

  Task<Result<Created<Todo>>> add(Context& ctx, NewTodo todo) {
    YUN_TRY(changes, co_await pool.execute(ctx, "insert into todos (title) values (?)", todo.title));
    co_return Created<Todo>{{changes.last_id, todo.title, false}, "/todos/" + std::to_string(changes.last_id)};
  }
  Task<Result<std::vector<Todo>>> list(Context& ctx) {
    co_return co_await pool.all<Todo>(ctx, "select id, title, done from todos order by id limit 1000");
  }
  Task<Result<Todo>> finish(Context& ctx, std::int64_t id) {
    YUN_CHECK(co_await pool.execute(ctx, "update todos set done = 1 where id = ?", id));
    co_return co_await pool.one<Todo>(ctx, "select id, title, done from todos where id = ?", id);
  }
};

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  App app{"sql_todo", argc, argv, settings};
  auto pool = app.open_sql(settings.database);
  if (!pool) return app.fail(pool.error());
  Todos todos{*pool};

  app.before_serving([&](Context& ctx) { return sql::migrate(ctx, todos.pool, kMigrations); });
  app.post("/todos", [&](Context& ctx, Json<NewTodo> todo) { return todos.add(ctx, *todo); });
  app.get("/todos", [&](Context& ctx) { return todos.list(ctx); });
  app.post("/todos/{id}/done", [&](Context& ctx, Path<"id", std::int64_t> id) { return todos.finish(ctx, *id); });
  return app.run();
}
