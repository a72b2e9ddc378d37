// hello [--listen 127.0.0.1:8080]
//
//     curl http://127.0.0.1:8080/api/users/42      {"id":"42","name":"user_42"}

#include "yun/yun.hpp"

struct User { std::string id, name; };

int main(int argc, char** argv) {
  yun::App app{"hello", argc, argv};
  app.get("/api/users/{id}", [](yun::Path<"id"> id) { return User{*id, "user_" + *id}; });
  return app.run();
}
