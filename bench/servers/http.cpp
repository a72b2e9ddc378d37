// http --listen 127.0.0.1:8080 [--files DIR]: what the http rows of bench/ measure: an ordinary service on App, all default middleware on.
//
//     GET  /api/users/{id}    {"id":"42","name":"user_42"}
//     POST /api/orders        an order of some 4 KB, read, validated, given back with its totals
//     GET  /api/reports/{id}  {"id":"42","digest":".."}: the SHA-256 of half a MiB and the id, some hundred microseconds of computing
//     GET  /files/{name}      a file of DIR

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "yun/base/strings.hpp"
#include "yun/http/content/files.hpp"
#include "yun/yun.hpp"

struct User { std::string id, name; };

struct Line {
  std::string product, title;
  std::int64_t quantity = 0, price_cents = 0;
  std::vector<std::string> tags;
  static void rules(yun::json::Rules<Line>& r) {
    r.field(&Line::product).not_blank().max_length(64);
    r.field(&Line::title).not_blank().max_length(200);
    r.field(&Line::quantity).between(1, 1000);
    r.field(&Line::price_cents).between(0, 100'000'000);
    r.field(&Line::tags).max_items(8);
  }
};

struct Order {
  std::string customer, currency, note;
  std::vector<Line> lines;
  static void rules(yun::json::Rules<Order>& r) {
    r.field(&Order::customer).not_blank().max_length(64);
    r.field(&Order::currency).one_of({"EUR", "USD", "CNY"});
    r.field(&Order::note).max_length(500);
    r.field(&Order::lines).min_items(1).max_items(100);
  }
};

struct Placed {
  std::string id, customer, currency, note;
  std::int64_t items = 0, total_cents = 0;
  std::vector<Line> lines;
};

struct Report { std::string id, digest; };

static Report report(yun::Path<"id"> id) {
  static const std::string text(512 << 10, 'x');
  std::array<unsigned char, 32> digest{};
  EVP_MD_CTX* hash = EVP_MD_CTX_new();
  EVP_DigestInit_ex(hash, EVP_sha256(), nullptr);
  EVP_DigestUpdate(hash, text.data(), text.size());
  EVP_DigestUpdate(hash, id->data(), id->size());
  EVP_DigestFinal_ex(hash, digest.data(), nullptr);
  EVP_MD_CTX_free(hash);
  return Report{*id, yun::to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()})};
}

struct Settings { std::string files; };

static Placed place(yun::Json<Order> order) {
  Placed placed{"o-1", std::move(order->customer), std::move(order->currency), std::move(order->note), 0, 0, std::move(order->lines)};
  for (const Line& line : placed.lines) {
    placed.items += line.quantity;
    placed.total_cents += line.quantity * line.price_cents;
  }
  return placed;
}

int main(int argc, char** argv) {
  Settings settings;
  yun::App app{"http", argc, argv, settings};
  app.get("/api/users/{id}", [](yun::Path<"id"> id) { return User{*id, "user_" + *id}; });
  app.post("/api/orders", place);
  app.get("/api/reports/{id}", report);
  if (!settings.files.empty()) {
    auto files = yun::http::StaticFiles::open(settings.files);
    if (!files) return app.fail(files.error());
    app.router().mount("/files/{path...}", std::move(*files));
  }
  return app.run();
}
