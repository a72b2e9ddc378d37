#pragma once
// The suite every driver passes. In the driver's test:
//
//     INSTANTIATE_TEST_SUITE_P(Mine, Conformance, testing::Values(&open_empty_database));
//
// where open_empty_database is `yun::Result<yun::sql::Pool> ()` and gives a database with no tables. The statements here are
// portable SQL.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "yun/runtime/threads.hpp"
#include "yun/sql/migrate.hpp"
#include "yun/sql/pool.hpp"

namespace yun::sql::conformance {

struct Item {
  std::int64_t id = 0;
  std::string name;
  std::optional<std::string> note;
  bool active = false;
  double weight = 0;
  Time made_at{};
  Blob payload;
  bool operator==(const Item&) const = default;
};

class Conformance : public testing::TestWithParam<Result<Pool> (*)()> {
 protected:
  void SetUp() override {
    auto opened = GetParam()();
    ASSERT_TRUE(opened) << opened.error().to_string();
    pool_ = *std::move(opened);
    run("create table items (id bigint primary key, name varchar(100) not null unique, note varchar(100), active boolean not null, "
        "weight double precision not null, made_at bigint not null, payload blob not null, check (weight >= 0))");
  }

  template <typename T>
  static T wait(Task<T> task) {
    return runtime::block_on(std::move(task));
  }
  template <typename... A>
  void run(std::string_view text, const A&... args) {
    auto done = wait(pool_.execute(ctx_, text, args...));
    ASSERT_TRUE(done) << done.error().to_string();
  }
  Result<Changes> add(const Item& item) {
    return wait(pool_.execute(ctx_, "insert into items (id, name, note, active, weight, made_at, payload) values (?, ?, ?, ?, ?, ?, ?)", item.id,
                              item.name, item.note, item.active, item.weight, item.made_at, item.payload));
  }
  std::int64_t count() { return wait(pool_.one<std::int64_t>(ctx_, "select count(*) from items")).value_or(-1); }

  Context ctx_;
  Pool pool_;
};

inline Item sample(std::int64_t id) {
  return {.id = id,
          .name = "item " + std::to_string(id),
          .note = std::nullopt,
          .active = true,
          .weight = 1.5,
          .made_at = Time(std::chrono::microseconds(1'700'000'000'123'456)),
          .payload = {std::string("\0\xff bytes", 8)}};
}

TEST_P(Conformance, EveryKindOfValueComesBackAsItWentIn) {
  Item item = sample(9'007'199'254'740'993);  // 2^53 + 1: not to be had through a double
  item.note = "it's \"quoted\" ; -- ?";
  ASSERT_TRUE(add(item));
  auto found = wait(pool_.one<Item>(ctx_, "select * from items where id = ?", item.id));
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(*found, item);
}

TEST_P(Conformance, AnEmptyOptionalIsNull) {
  ASSERT_TRUE(add(sample(1)));
  auto found = wait(pool_.one<std::int64_t>(ctx_, "select count(*) from items where note is null"));
  EXPECT_EQ(*found, 1);
}

TEST_P(Conformance, AnArgumentIsNeverPartOfTheStatement) {
  ASSERT_TRUE(add(sample(1)));
  auto found = wait(pool_.all<std::int64_t>(ctx_, "select id from items where name = ?", "x' or '1'='1"));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->empty());
}

TEST_P(Conformance, NoRowIsNotFoundForOneAndEmptyForMaybe) {
  EXPECT_EQ(wait(pool_.one<Item>(ctx_, "select * from items where id = ?", 7)).error().code(), Code::NotFound);
  auto maybe = wait(pool_.maybe<Item>(ctx_, "select * from items where id = ?", 7));
  ASSERT_TRUE(maybe);
  EXPECT_FALSE(maybe->has_value());
}

TEST_P(Conformance, AUniqueConstraintIsAlreadyExistsAndAnotherFailedPrecondition) {
  ASSERT_TRUE(add(sample(1)));
  Item same = sample(2);
  same.name = sample(1).name;
  EXPECT_EQ(add(same).error().code(), Code::AlreadyExists);
  EXPECT_EQ(add(sample(1)).error().code(), Code::AlreadyExists);
  Item light = sample(3);
  light.weight = -1;
  EXPECT_EQ(add(light).error().code(), Code::FailedPrecondition);
  EXPECT_EQ(count(), 1);
}

TEST_P(Conformance, ChangesCountsRows) {
  ASSERT_TRUE(add(sample(1)));
  ASSERT_TRUE(add(sample(2)));
  auto changed = wait(pool_.execute(ctx_, "update items set note = ?", "x"));
  EXPECT_EQ(changed->rows, 2);
  auto none = wait(pool_.execute(ctx_, "delete from items where id = ?", 99));
  EXPECT_EQ(none->rows, 0);
}

TEST_P(Conformance, ATransactionSeesItsOwnWritesAndCommitsThemTogether) {
  auto sum = wait(pool_.transaction(ctx_, [](Transaction& tx) -> Result<std::int64_t> {
    for (int id : {1, 2, 3}) {
      YUN_GET(added, tx.execute("insert into items values (?, ?, null, ?, 0.5, 0, ?)", id, "n" + std::to_string(id), true, Blob{"b"}));
      EXPECT_EQ(added.rows, 1);
    }
    return tx.one<std::int64_t>("select sum(id) from items");
  }));
  ASSERT_TRUE(sum) << sum.error().to_string();
  EXPECT_EQ(*sum, 6);
  EXPECT_EQ(count(), 3);
}

TEST_P(Conformance, AnErrorRollsTheWholeTransactionBackAndIsWhatTheCallerGets) {
  auto done = wait(pool_.transaction(ctx_, [](Transaction& tx) -> Result<void> {
    YUN_GET(added, tx.execute("insert into items values (1, 'one', null, ?, 0.5, 0, ?)", true, Blob{"b"}));
    EXPECT_EQ(added.rows, 1);
    return resource_exhausted("out of stock").with_reason("no_stock");
  }));
  EXPECT_EQ(done.error().reason(), "no_stock");
  EXPECT_EQ(count(), 0);
}

TEST_P(Conformance, AFailedStatementDoesNotEndATransactionThatGoesOn) {
  ASSERT_TRUE(add(sample(1)));
  auto done = wait(pool_.transaction(ctx_, [](Transaction& tx) -> Result<void> {
    auto again = tx.execute("insert into items values (1, 'other', null, ?, 0.5, 0, ?)", true, Blob{"b"});
    EXPECT_EQ(again.error().code(), Code::AlreadyExists);
    YUN_GET(added, tx.execute("insert into items values (2, 'two', null, ?, 0.5, 0, ?)", true, Blob{"b"}));
    EXPECT_EQ(added.rows, 1);
    return {};
  }));
  EXPECT_TRUE(done);
  EXPECT_EQ(count(), 2);
}

TEST_P(Conformance, AWrongNumberOfArgumentsIsAnErrorAndSoIsWrongSql) {
  EXPECT_EQ(wait(pool_.all<Item>(ctx_, "select * from items where id = ?")).error().code(), Code::InvalidArgument);
  EXPECT_EQ(wait(pool_.all<Item>(ctx_, "selekt 1")).error().code(), Code::Internal);
}

TEST_P(Conformance, AContextThatIsOverCallsNothing) {
  Context over(ctx_, std::chrono::nanoseconds(0));
  EXPECT_EQ(wait(pool_.execute(over, "delete from items")).error().code(), Code::DeadlineExceeded);
  EXPECT_EQ(wait(pool_.all<Item>(over, "select * from items")).error().code(), Code::DeadlineExceeded);
}

TEST_P(Conformance, MigrationsRunOnceAndRefuseAChangedOne) {
  std::vector<Migration> steps = {{"0001_a", "create table a (id integer primary key); insert into a values (1);"}, {"0002_b", "insert into a values (2)"}};
  ASSERT_TRUE(wait(migrate(ctx_, pool_, steps)));
  ASSERT_TRUE(wait(migrate(ctx_, pool_, steps)));
  EXPECT_EQ(*wait(pool_.one<std::int64_t>(ctx_, "select count(*) from a")), 2);
  steps[1].statements = "insert into a values (3)";
  auto refused = wait(migrate(ctx_, pool_, steps));
  EXPECT_EQ(refused.error().code(), Code::FailedPrecondition);
  EXPECT_NE(refused.error().message().find("0002_b"), std::string::npos);
  EXPECT_EQ(*wait(pool_.one<std::int64_t>(ctx_, "select count(*) from a")), 2);
}

}  // namespace yun::sql::conformance
