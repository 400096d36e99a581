// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "runtime/inspect/violation.hpp"
#include "runtime/inspect/words.hpp"

namespace nodezero::apps {

/// The input of the page's script: a JSON object without any `<`, so that no name can end the
/// script element that holds it. Bytes of names that are not UTF-8 become U+FFFD.
///
///     about         as in the trace
///     completeness  lost_records, ring, cut_off
///     names         [text, [[field, kind]...]] each, by type; kind 0 number, 1 real, 2 numbers
///     actors        [name, number or -1, parent, spawned, exited] each
///     violations    rule, what, events
///     phrases       as in runtime/inspect/words.hpp, by type
///     events, messages, words   how many there are
///     columns       base64 of LEB128 numbers, one for each event in order: time (difference to
///                   the event before, zigzag), kind, detail, actor, peer, type, argument,
///                   message (index plus 1), handling (distance back, 0: none), thread,
///                   word_count; then words, all payloads in order of their events; then
///                   request, one for each message (index plus 1)
std::string trace_page_data(const runtime::trace::Trace& trace,
                            std::span<const runtime::inspect::Violation> violations,
                            const runtime::inspect::Phrases& phrases);

/// JSON for a script element: without any `<`.
std::string page_data_text(const nlohmann::json& data);

}  // namespace nodezero::apps
