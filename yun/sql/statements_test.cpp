#include "yun/sql/statements.hpp"

#include <gtest/gtest.h>

namespace yun::sql {
namespace {

using List = std::vector<std::string_view>;

TEST(SplitStatements, CutsAtSemicolonsAndDropsWhatIsEmpty) {
  EXPECT_EQ(split_statements(" create table a (id int);\n;insert into a values (1) ;; "), (List{"create table a (id int)", "insert into a values (1)"}));
  EXPECT_EQ(split_statements("select 1"), List{"select 1"});
  EXPECT_EQ(split_statements(" \n;"), List{});
}

TEST(SplitStatements, DoesNotCutWithinStringsAndNames) {
  EXPECT_EQ(split_statements("insert into a values ('x;''y;', \"z;\"); update `b;c` set d = 'it\\';s'"),
            (List{"insert into a values ('x;''y;', \"z;\")", "update `b;c` set d = 'it\\';s'"}));
  EXPECT_EQ(split_statements("select 'never closed; "), List{"select 'never closed;"});
}

TEST(SplitStatements, CommentsAreNeitherCutNorStatements) {
  EXPECT_EQ(split_statements("-- one; two\nselect 1 /* ; */; # three;\n"), List{"-- one; two\nselect 1 /* ; */"});
  EXPECT_EQ(split_statements("select 3--2"), List{"select 3--2"});
  EXPECT_EQ(split_statements("/* open ; "), List{});
}

}  // namespace
}  // namespace yun::sql
