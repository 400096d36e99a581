// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/wire_catalogue.hpp"

#include <string>
#include <utility>
#include <vector>

#include "actors/wire.hpp"

namespace nodezero::actors {
namespace {

using runtime::trace::Catalogue;
using runtime::trace::FieldDescription;
using runtime::trace::FieldKind;
using runtime::trace::PayloadWriter;

/// A message whose fields are numbers.
template <class T, class Write>
void add_numbers(Catalogue& catalogue, std::string name, std::initializer_list<const char*> fields,
                 Write write) {
  std::vector<FieldDescription> described;
  for (const char* field : fields) {
    described.push_back({field, FieldKind::number});
  }
  catalogue.add<T>(std::move(name), std::move(described), write);
}

}  // namespace

void add_wire_messages(Catalogue& catalogue) {
  catalogue.add<wire::join>("join");
  catalogue.add<wire::ready>("ready");
  catalogue.add<wire::leaving>("leaving");
  catalogue.add<wire::refused>("refused");
  add_numbers<wire::admitted>(
      catalogue, "admitted", {"machine"},
      [](const wire::admitted& m, PayloadWriter& p) { p.number(m.machine); });
  add_numbers<wire::state_block>(catalogue, "state_block", {"set", "block"},
                                 [](const wire::state_block& m, PayloadWriter& p) {
                                   p.number(m.set);
                                   p.number(m.block);
                                 });
  catalogue.add<wire::run_file>("run_file");
  add_numbers<wire::state_end>(
      catalogue, "state_end", {"blocks"},
      [](const wire::state_end& m, PayloadWriter& p) { p.number(m.blocks); });
  add_numbers<wire::missed_block>(
      catalogue, "missed_block", {"block"},
      [](const wire::missed_block& m, PayloadWriter& p) { p.number(m.block); });
  catalogue.add<wire::missed_end>("missed_end");
  catalogue.add<wire::want_state>("want_state");
  catalogue.add<wire::ended>("ended");
  catalogue.add<wire::dismissed>("dismissed");
  add_numbers<wire::plan>(catalogue, "plan",
                          {"epoch", "step", "version", "term", "positions", "machines"},
                          [](const wire::plan& m, PayloadWriter& p) {
                            p.number(m.epoch);
                            p.number(m.step);
                            p.number(m.version);
                            p.number(m.term);
                            p.number(m.positions);
                            p.number(m.members.size());
                          });
  add_numbers<wire::back_up>(catalogue, "back_up", {"term", "nodes"},
                             [](const wire::back_up& m, PayloadWriter& p) {
                               p.number(m.term);
                               p.number(m.nodes.size());
                             });
  add_numbers<wire::work>(catalogue, "work", {"step", "position"},
                          [](const wire::work& m, PayloadWriter& p) {
                            p.number(m.step);
                            p.number(m.position);
                          });
  add_numbers<wire::commit>(catalogue, "commit", {"term"},
                            [](const wire::commit& m, PayloadWriter& p) { p.number(m.term); });
  add_numbers<wire::count_progress>(
      catalogue, "count_progress", {"term"},
      [](const wire::count_progress& m, PayloadWriter& p) { p.number(m.term); });
  add_numbers<wire::progress>(catalogue, "progress", {"machine", "events"},
                              [](const wire::progress& m, PayloadWriter& p) {
                                p.number(m.machine);
                                p.number(m.events);
                              });
  add_numbers<wire::give_up>(catalogue, "give_up", {"term"},
                             [](const wire::give_up& m, PayloadWriter& p) { p.number(m.term); });
  add_numbers<wire::part>(catalogue, "part", {"term", "block", "first", "last"},
                          [](const wire::part& m, PayloadWriter& p) {
                            p.number(m.term);
                            p.number(m.block);
                            p.number(m.range.first);
                            p.number(m.range.last);
                          });
  add_numbers<wire::sum>(catalogue, "sum", {"term", "block"},
                         [](const wire::sum& m, PayloadWriter& p) {
                           p.number(m.term);
                           p.number(m.block);
                         });
  add_numbers<wire::credit>(catalogue, "credit", {"blocks"},
                            [](const wire::credit& m, PayloadWriter& p) { p.number(m.blocks); });
  add_numbers<wire::finished>(catalogue, "finished", {"term", "first", "last"},
                              [](const wire::finished& m, PayloadWriter& p) {
                                p.number(m.term);
                                p.number(m.node.first);
                                p.number(m.node.last);
                              });
  add_numbers<wire::gathered>(catalogue, "gathered", {"term", "machine"},
                              [](const wire::gathered& m, PayloadWriter& p) {
                                p.number(m.term);
                                p.number(m.machine);
                              });
  add_numbers<wire::failed>(catalogue, "failed", {"term", "machine"},
                            [](const wire::failed& m, PayloadWriter& p) {
                              p.number(m.term);
                              p.number(m.machine);
                            });
  add_numbers<wire::unreachable>(catalogue, "unreachable", {"machine", "other"},
                                 [](const wire::unreachable& m, PayloadWriter& p) {
                                   p.number(m.machine);
                                   p.number(m.other);
                                 });
}

}  // namespace nodezero::actors
