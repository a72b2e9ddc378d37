#include <gtest/gtest.h>

#include "yun/sql/mysql.hpp"

namespace yun::sql {
namespace {

TEST(MysqlUrl, HasAccountAddressDatabaseAndParameters) {
  const auto target = parse_mysql_url("shop%40eu:p%3Aw%2F@db.internal:13306/orders?tls=verify&ca=/etc/db.pem");
  ASSERT_TRUE(target) << target.error().message();
  EXPECT_EQ(target->user, "shop@eu");
  EXPECT_EQ(target->password, "p:w/");
  EXPECT_EQ(target->host, "db.internal");
  EXPECT_EQ(target->port, 13306);
  EXPECT_EQ(target->database, "orders");
  EXPECT_EQ(target->tls, MysqlTarget::Tls::Verify);
  EXPECT_EQ(target->ca, "/etc/db.pem");
}

TEST(MysqlUrl, TakesAnIpv6AddressAndTheDefaultPort) {
  const auto target = parse_mysql_url("shop@[::1]/orders");
  ASSERT_TRUE(target) << target.error().message();
  EXPECT_EQ(target->host, "::1");
  EXPECT_EQ(target->port, 3306);
  EXPECT_EQ(target->password, "");
}

TEST(MysqlUrl, AnIdleTransactionIsLimitedInWholeSeconds) {
  const auto target = parse_mysql_url("shop:secret@host/orders?idle_transaction=2s");
  ASSERT_TRUE(target) << target.error().message();
  EXPECT_EQ(target->idle_transaction, std::chrono::seconds(2));
}

TEST(MysqlUrl, SaysWhatIsWrongAndNeverThePassword) {
  for (const auto& [url, word] : {std::pair{"shop:secret@/orders", "no host"},
                                  {"host/orders", "no user"},
                                  {"shop:secret@host", "no database"},
                                  {"shop:secret@host:99999/orders", "port"},
                                  {"shop:secret@host:/orders", "port"},
                                  {"shop:secret%zz@host/orders", "password"},
                                  {"shop:secret@[::1/orders", "]"},
                                  {"shop:secret@host/orders?tls=maybe", "maybe"},
                                  {"shop:secret@host/orders?idle_transaction=1500ms", "whole"},
                                  {"shop:secret@host/orders?timeout=3", "timeout"}}) {
    const auto target = parse_mysql_url(url);
    ASSERT_FALSE(target) << url;
    EXPECT_NE(target.error().message().find(word), std::string::npos) << target.error().message();
    EXPECT_EQ(target.error().message().find("secret"), std::string::npos) << target.error().message();
  }
}

}  // namespace
}  // namespace yun::sql
