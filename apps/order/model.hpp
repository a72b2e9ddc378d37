#pragma once
// What the order service speaks: plain structs are the JSON of its API and the rows of its queries.

#include <cstdint>
#include <string>
#include <vector>

#include "yun/base/units.hpp"
#include "yun/json/validate.hpp"

namespace shop {

/// An amount in the currency's minor unit (cents).
struct Money {
  std::int64_t amount = 0;
  std::string currency;
};

struct Product {
  std::string id;
  std::string name;
  Money price;
  std::int64_t stock = 0;
};

struct Products {
  std::vector<Product> products;
};

struct NewItem {
  std::string product_id;
  std::int64_t quantity = 0;

  static void rules(yun::json::Rules<NewItem>& r) {
    r.field(&NewItem::product_id).not_blank().max_length(100);
    r.field(&NewItem::quantity).between(1, 1000);
  }
};

struct NewOrder {
  std::vector<NewItem> items;

  static void rules(yun::json::Rules<NewOrder>& r) { r.field(&NewOrder::items).min_items(1).max_items(100); }
};

struct Item {
  std::string product_id;
  std::int64_t quantity = 0;
  Money price;
};

struct Order {
  std::string id;
  std::string status;  ///< "placed" or "cancelled"
  std::vector<Item> items;
  Money total;
  yun::Time created_at{};
};

struct OrderPage {
  std::vector<Order> orders;
  std::string next_page_token;
};

/// What the outbox carries: one for each order placed or cancelled.
struct OrderEvent {
  std::string type;  ///< "order.placed", "order.cancelled"
  std::string user_id;
  Order order;
};

}  // namespace shop
