// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/tables.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <sqlite3.h>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/printable_text.hpp"
#include "runtime/inspect/filter.hpp"
#include "runtime/inspect/words.hpp"

namespace nodezero::runtime::inspect {
namespace {

constexpr auto schema = R"sql(
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE about(key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE actors(actor INTEGER PRIMARY KEY, name TEXT, number INTEGER, parent INTEGER,
                    spawned INTEGER, exited INTEGER);
CREATE TABLE events(event INTEGER PRIMARY KEY, time_ns INTEGER, kind TEXT, actor INTEGER,
                    peer INTEGER, type TEXT, message INTEGER, epoch INTEGER, step INTEGER,
                    detail INTEGER, argument INTEGER, thread INTEGER, handling INTEGER);
CREATE TABLE messages(message INTEGER PRIMARY KEY, type TEXT, sender INTEGER, receiver INTEGER,
                      sent INTEGER, begun INTEGER, ended INTEGER, dropped INTEGER,
                      request INTEGER, response INTEGER, wait_ns INTEGER, handling_ns INTEGER,
                      payload TEXT);
BEGIN;
)sql";

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/// Inserts rows into a table. Texts must live until the row is in.
class Rows {
 public:
  Rows(sqlite3* database, const std::string& table, int columns) {
    std::string sql = "INSERT INTO " + table + " VALUES(?";
    for (int i = 1; i < columns; ++i) {
      sql += ",?";
    }
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(database, (sql + ")").c_str(), -1, &statement, nullptr);
    statement_.reset(statement);
  }

  template <class... Values>
  void add(const Values&... values) {
    int column = 0;
    (bind(++column, values), ...);
    ok_ = sqlite3_step(statement_.get()) == SQLITE_DONE && ok_;
    sqlite3_reset(statement_.get());
  }
  bool ok() const { return ok_; }

 private:
  void bind(int column, std::int64_t value) { sqlite3_bind_int64(statement_.get(), column, value); }
  void bind(int column, std::string_view text) {
    sqlite3_bind_text(statement_.get(), column, text.data(), static_cast<int>(text.size()),
                      SQLITE_STATIC);
  }
  template <class Value>
  void bind(int column, const std::optional<Value>& value) {
    if (value) {
      bind(column, *value);
    } else {
      sqlite3_bind_null(statement_.get(), column);
    }
  }

  Statement statement_;
  bool ok_ = true;
};

/// Events are numbered from 1, and 0, for none, is NULL in the tables.
std::optional<std::int64_t> or_null(std::uint64_t number) {
  return number == 0 ? std::nullopt : std::optional<std::int64_t>(number);
}

/// The payload as a JSON object, for SQLite's JSON functions.
std::string payload_as_json(const Trace& trace, const Event& send) {
  nlohmann::ordered_json payload = nlohmann::ordered_json::object();
  for (const auto& field : trace.names[send.type].fields) {
    std::uint64_t number = 0;
    double real = 0;
    std::vector<std::uint32_t> numbers;
    if (trace.number(send, field.name, number)) {
      payload[field.name] = number;
    } else if (trace.real(send, field.name, real)) {
      payload[field.name] = real;
    } else if (trace.numbers(send, field.name, numbers)) {
      payload[field.name] = numbers;
    }
  }
  return payload.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool fill_small_tables(sqlite3* database, const Trace& trace) {
  Rows about(database, "about", 2);
  for (const auto& [key, value] : trace.about) {
    about.add(std::string_view(key), std::string_view(value));
  }
  const auto incomplete = incompleteness(trace.completeness);
  about.add(std::string_view("incomplete"), std::string_view(incomplete));
  Rows actors(database, "actors", 6);
  for (std::uint32_t number = 1; number < trace.actors.size(); ++number) {
    const auto& actor = trace.actors[number];
    actors.add(std::int64_t{number}, std::string_view(actor.name),
               actor.number == trace::Actor::unnumbered ? std::nullopt
                                                        : std::optional<std::int64_t>(actor.number),
               std::int64_t{actor.parent}, or_null(actor.spawned), or_null(actor.exited));
  }
  return about.ok() && actors.ok();
}

bool fill_events(sqlite3* database, const Trace& trace, std::span<const EventNumber> events) {
  Rows rows(database, "events", 13);
  for (const auto number : events) {
    const Event& event = trace.event(number);
    const auto field = [&](std::string_view name) -> std::optional<std::int64_t> {
      const auto value = number_around(trace, event, name);
      return value ? std::optional<std::int64_t>(*value) : std::nullopt;
    };
    rows.add(std::int64_t{number}, event.time, kind_name(event.kind), std::int64_t{event.actor},
             std::int64_t{event.peer}, trace.name(event.type), or_null(event.life), field("epoch"),
             field("step"), std::int64_t{event.detail}, std::int64_t{event.argument},
             std::int64_t{event.thread}, or_null(event.handling));
  }
  return rows.ok();
}

bool fill_messages(sqlite3* database, const Trace& trace, const std::vector<bool>& wanted) {
  Rows rows(database, "messages", 13);
  for (std::uint32_t life = 1; life <= trace.messages.size(); ++life) {
    if (!wanted[life - 1]) {
      continue;
    }
    const auto& message = trace.messages[life - 1];
    const EventNumber any = std::max({message.sent, message.begun, message.dropped});
    if (any == 0) {
      continue;
    }
    const Event& event = trace.event(message.sent != 0 ? message.sent : any);
    const bool was_sent = message.sent != 0;
    std::optional<std::int64_t> wait, handling;
    if (was_sent && message.begun != 0) {
      wait = trace.event(message.begun).time - event.time;
    }
    if (message.begun != 0 && message.ended != 0) {
      handling = trace.event(message.ended).time - trace.event(message.begun).time;
    }
    const auto payload = payload_as_json(trace, event);
    rows.add(std::int64_t{life}, trace.name(event.type),
             std::int64_t{was_sent ? event.actor : event.peer},
             std::int64_t{was_sent ? event.peer : event.actor}, or_null(message.sent),
             or_null(message.begun), or_null(message.ended), or_null(message.dropped),
             or_null(message.request), or_null(message.response), wait, handling,
             std::string_view(payload));
  }
  return rows.ok();
}

Result<Database> build(const Trace& trace, std::span<const EventNumber> events) {
  sqlite3* opened = nullptr;
  const int status = sqlite3_open(":memory:", &opened);
  Database database(opened);
  const auto failed = [&] {
    return fail(ErrorCode::internal,
                std::string("SQLite cannot make the tables: ") + sqlite3_errmsg(database.get()));
  };
  if (status != SQLITE_OK || sqlite3_exec(opened, schema, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return failed();
  }
  std::vector<bool> wanted(trace.messages.size());
  for (const auto number : events) {
    if (const auto life = trace.event(number).life; life != 0) {
      wanted[life - 1] = true;
    }
  }
  const bool filled = fill_small_tables(opened, trace) && fill_events(opened, trace, events) &&
                      fill_messages(opened, trace, wanted) &&
                      sqlite3_exec(opened, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK;
  if (!filled) {
    return failed();
  }
  return database;
}

}  // namespace

Result<void> write_tables(const Trace& trace, std::span<const EventNumber> events,
                          TextOutput& out) {
  const auto database = build(trace, events);
  if (!database) {
    return fail(database.error());
  }
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, void (*)(void*)> image(
      sqlite3_serialize(database->get(), "main", &size, 0), sqlite3_free);
  if (!image) {
    return fail(ErrorCode::internal, "the database does not fit into memory; select fewer events");
  }
  out.text({reinterpret_cast<const char*>(image.get()), static_cast<std::size_t>(size)});
  return {};
}

namespace {

/// A query may read and compute: nothing else of SQL is of use here, and some of it writes files.
int allow_reading(void* /*unused*/, int action, const char* /*unused*/, const char* second,
                  const char* /*unused*/, const char* /*unused*/) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION:
      return std::string_view(second) == "load_extension" ? SQLITE_DENY : SQLITE_OK;
    default:
      return SQLITE_DENY;
  }
}

/// Counts the steps of SQLite's virtual machine and ends a query that takes too many.
class StepLimit {
 public:
  StepLimit(sqlite3* database, std::uint64_t most) : left_(most) {
    sqlite3_progress_handler(database, steps_a_call, call, this);
  }
  bool is_reached() const { return left_ == 0; }

 private:
  static constexpr int steps_a_call = 1'000;
  static int call(void* self) {
    auto& left = static_cast<StepLimit*>(self)->left_;
    left -= std::min<std::uint64_t>(left, steps_a_call);
    return left == 0;
  }
  std::uint64_t left_;
};

/// The first statement of `query`; what follows it is left in `rest`.
Result<Statement> prepared(sqlite3* database, const char* query, const char*& rest) {
  sqlite3_stmt* statement = nullptr;
  const int status = sqlite3_prepare_v2(database, query, -1, &statement, &rest);
  if (status == SQLITE_AUTH) {
    return fail(ErrorCode::invalid_argument,
                "SQL: a query may only read; ask with SELECT or WITH ... SELECT");
  }
  if (status != SQLITE_OK) {
    return fail(ErrorCode::invalid_argument, std::string("SQL: ") + sqlite3_errmsg(database));
  }
  return Statement(statement);
}

/// A query without anything but comments behind its first statement.
Result<Statement> only_statement(sqlite3* database, const std::string& query) {
  const char* rest = nullptr;
  auto statement = prepared(database, query.c_str(), rest);
  if (statement && !*statement) {
    return fail(ErrorCode::invalid_argument, "SQL: the query is empty; ask for something");
  }
  while (statement && *rest != '\0') {
    const auto next = prepared(database, rest, rest);
    if (!next || *next) {
      return fail(ErrorCode::invalid_argument,
                  "SQL: there is more than one query; ask for one at a time");
    }
  }
  return statement;
}

void print_row(sqlite3_stmt* statement, TextOutput& out) {
  const int columns = sqlite3_column_count(statement);
  for (int column = 0; column < columns; ++column) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
    out.print("{}{}", text ? formats::escaped_name(text) : "", column + 1 < columns ? '\t' : '\n');
  }
}

}  // namespace

Result<void> query_tables(const Trace& trace, const std::string& query, TextOutput& out,
                          std::uint64_t most_steps) {
  constexpr int longest_value = 64'000'000;
  std::vector<EventNumber> all(trace.events.size());
  std::iota(all.begin(), all.end(), 1);
  const auto database = build(trace, all);
  if (!database) {
    return fail(database.error());
  }
  sqlite3_set_authorizer(database->get(), allow_reading, nullptr);
  sqlite3_limit(database->get(), SQLITE_LIMIT_LENGTH, longest_value);
  const auto statement = only_statement(database->get(), query);
  if (!statement) {
    return fail(statement.error());
  }
  const int columns = sqlite3_column_count(statement->get());
  for (int column = 0; column < columns; ++column) {
    out.print("{}{}", formats::escaped_name(sqlite3_column_name(statement->get(), column)),
              column + 1 < columns ? '\t' : '\n');
  }
  const StepLimit limit(database->get(), most_steps);
  int status = SQLITE_ROW;
  while ((status = sqlite3_step(statement->get())) == SQLITE_ROW) {
    print_row(statement->get(), out);
  }
  if (limit.is_reached()) {
    return fail(
        ErrorCode::timed_out,
        fmt::format("SQL: the query was not done after {} steps; ask for less", most_steps));
  }
  return status == SQLITE_DONE ? Result<void>()
                               : fail(ErrorCode::invalid_argument,
                                      std::string("SQL: ") + sqlite3_errmsg(database->get()));
}

}  // namespace nodezero::runtime::inspect
