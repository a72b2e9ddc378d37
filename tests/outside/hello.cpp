#include "yun/yun.hpp"

struct User { std::string id, name; };

int main(int argc, char** argv) {
  yun::App app{"hello", argc, argv};
  app.get("/api/users/{id}", [](yun::Path<"id"> id) { return User{*id, "user_" + *id}; });
  return app.run();
}
