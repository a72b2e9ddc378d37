#pragma once
// Services: what handlers ask for by reference, found by type. Filled by Router::provide before the first request, then only read.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "yun/json/reflect.hpp"

namespace yun::http {

class Services {
 public:
  /// `service` must outlive the router. The last one given of a type wins.
  template <typename T>
  void provide(T& service) {
    provide(&kKey<T>, const_cast<void*>(static_cast<const void*>(&service)));
  }
  /// Fills `*slot` now or when a T is provided; `who` ("GET /orders") is named if that never happens. The slot must not move.
  template <typename T>
  void want(void** slot, std::string_view who) {
    want(&kKey<T>, slot, std::string(who) + " needs a " + std::string(json::reflect::type_name<T>()) + "&: give one by router.provide()");
  }
  /// One line for each service that is still wanted.
  std::vector<std::string> missing() const;

 private:
  /// Its address stands for the type.
  template <typename T>
  static inline char kKey = 0;
  struct Wish {
    const void* key;
    void** slot;
    std::string complaint;
  };
  void provide(const void* key, void* service);
  void want(const void* key, void** slot, std::string complaint);
  std::unordered_map<const void*, void*> provided_;
  std::vector<Wish> wishes_;
};

}  // namespace yun::http
