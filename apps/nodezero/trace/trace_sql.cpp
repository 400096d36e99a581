// SPDX-License-Identifier: BSD-3-Clause

// nodezero trace sql.

#include <cstdio>
#include <utility>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"
#include "apps/nodezero/trace/trace_loading.hpp"
#include "runtime/inspect/tables.hpp"

namespace nodezero::apps {

void trace_sql(const SqlOptions& options) {
  const auto trace = load_trace(options.file);
  runtime::inspect::TextOutput out(stdout);
  auto answered = runtime::inspect::query_tables(trace, options.query, out, options.most_steps);
  if (!answered && answered.error().code == ErrorCode::timed_out) {
    throw CommandError(exit_failure,
                       answered.error().message + ", or allow more with --most-steps");
  }
  unwrap(std::move(answered));
}

}  // namespace nodezero::apps
