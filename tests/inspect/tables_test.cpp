// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/tables.hpp"

#include <filesystem>
#include <numeric>
#include <sqlite3.h>

#include <gtest/gtest.h>

#include "support/trace_builder.hpp"

namespace nodezero::runtime::inspect {
namespace {

std::string answered(const Trace& trace, const std::string& query) {
  std::string text;
  TextOutput out(text);
  const auto done = query_tables(trace, query, out);
  out.flush();
  return done ? text : done.error().message;
}

Trace small_trace() {
  testing::TraceBuilder builder;
  builder.fields("order", {"epoch", "step"});
  const auto shop = builder.spawn("shop");
  const auto cook = builder.spawn("cook", 1, shop);
  const auto order = builder.send(shop, cook, "order", {2, 17}, trace::is_request, 1);
  builder.begin(order);
  const auto meal = builder.send(cook, shop, "meal", {}, trace::is_response, 1);
  builder.end(order);
  builder.begin(meal);
  builder.end(meal);
  builder.send(0, cook, "late");
  return builder.build();
}

TEST(Tables, AnswerQueries) {
  const Trace trace = small_trace();
  EXPECT_EQ(answered(trace, "SELECT name, number, parent, spawned FROM actors"),
            "name\tnumber\tparent\tspawned\nshop\t\t0\t1\ncook\t1\t1\t2\n");
  EXPECT_EQ(answered(trace, "SELECT kind, count(*) AS n FROM events GROUP BY kind ORDER BY kind"),
            "kind\tn\nbegin\t2\nend\t2\nsend\t3\nspawn\t2\n");
  EXPECT_EQ(answered(trace,
                     "SELECT type, sender, receiver, sent, begun, ended, wait_ns, "
                     "handling_ns, payload->>'step' AS step FROM messages"),
            "type\tsender\treceiver\tsent\tbegun\tended\twait_ns\thandling_ns\tstep\n"
            "order\t1\t2\t3\t4\t6\t1000\t2000\t17\n"
            "meal\t2\t1\t5\t7\t8\t2000\t1000\t\n"
            "late\t0\t2\t9\t\t\t\t\t\n");
  EXPECT_EQ(answered(trace,
                     "SELECT a.type FROM messages m JOIN messages a ON a.message = "
                     "m.response WHERE m.type = 'order'"),
            "type\nmeal\n");
  // What happens while a message is handled belongs to its epoch.
  EXPECT_EQ(answered(trace, "SELECT event, epoch, step FROM events WHERE type = 'meal'"),
            "event\tepoch\tstep\n5\t2\t17\n7\t\t\n8\t\t\n");
}

TEST(Tables, SayWhatIsWrongWithAQuery) {
  EXPECT_EQ(answered(small_trace(), "SELECT lunch FROM events"), "SQL: no such column: lunch");
  EXPECT_EQ(answered(small_trace(), "SELEC 1"), "SQL: near \"SELEC\": syntax error");
  EXPECT_EQ(answered(small_trace(), " "), "SQL: the query is empty; ask for something");
}

TEST(Tables, AnswerOneQueryThatOnlyReads) {
  const Trace trace = small_trace();
  EXPECT_EQ(answered(trace, "SELECT 1 AS n; -- that is all\n ;"), "n\n1\n");
  EXPECT_EQ(answered(trace, "SELECT 1; SELECT 2"),
            "SQL: there is more than one query; ask for one at a time");
  EXPECT_EQ(answered(trace, "SELECT 1; nonsense"),
            "SQL: there is more than one query; ask for one at a time");
  const auto file = std::filesystem::path(::testing::TempDir()) / "nodezero-tables.db";
  std::filesystem::remove(file);
  for (const std::string& query :
       {"ATTACH '" + file.string() + "' AS stolen", "VACUUM INTO '" + file.string() + "'",
        std::string("DELETE FROM events"), std::string("PRAGMA temp_store_directory = '/'"),
        std::string("CREATE TEMP TABLE t(x)"), std::string("SELECT load_extension('x.so')")}) {
    EXPECT_TRUE(answered(trace, query).starts_with("SQL: ")) << query;
  }
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_EQ(answered(trace, "WITH t(x) AS (SELECT count(*) FROM events) SELECT x FROM t"),
            "x\n9\n");
}

TEST(Tables, GiveUpAQueryThatTakesTooManySteps) {
  std::string text;
  TextOutput out(text);
  const auto endless =
      query_tables(small_trace(),
                   "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
                   "SELECT count(*) FROM c",
                   out, 100'000);
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().message,
            "SQL: the query was not done after 100000 steps; ask for less");
}

TEST(Tables, AFileHoldsTheSelectedEvents) {
  const Trace trace = testing::random_trace(1, 5, 500);
  const std::vector<EventNumber> some = {3, 100, 499};
  std::string image;
  TextOutput out(image);
  ASSERT_TRUE(write_tables(trace, some, out));
  out.flush();
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &database), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_deserialize(database, "main", reinterpret_cast<unsigned char*>(image.data()),
                          static_cast<sqlite3_int64>(image.size()),
                          static_cast<sqlite3_int64>(image.size()), SQLITE_DESERIALIZE_READONLY),
      SQLITE_OK);
  std::string found;
  const auto row = [](void* text, int, char** values, char**) {
    *static_cast<std::string*>(text) += std::string(values[0]) + ' ';
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(database, "SELECT event FROM events", row, &found, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, "PRAGMA integrity_check", row, &found, nullptr), SQLITE_OK);
  EXPECT_EQ(found, "3 100 499 ok ");
  sqlite3_close(database);
}

}  // namespace
}  // namespace nodezero::runtime::inspect
