// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "actors/messages.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// connection -> shelf: the version of this step, please.
struct open_version {
  std::uint64_t step = 0;
};
/// The answer; not_found if it was not kept, busy if too many are open.
struct opened_version {
  snapshot version;
  std::string digest;
};

using shelf_actor = caf::typed_actor<runtime::Answers<open_version, opened_version>>;

/// Reads versions that a run has kept as checkpoints, for as long as somebody generates from them,
/// and the last one until another is asked for. It waits for a disk, so it is given a thread.
class shelf : public runtime::recorded<shelf_actor::base> {
 public:
  shelf(caf::actor_config& config, std::filesystem::path folder, std::size_t most_open)
      : recorded(config), folder_(std::move(folder)), most_open_(most_open) {}

  const char* name() const override { return "shelf"; }

 protected:
  behavior_type make_behavior() override;

 private:
  Result<opened_version> open(std::uint64_t step);

  std::filesystem::path folder_;
  std::size_t most_open_;
  struct Open {
    Envelope envelope;
    std::string digest;
    std::weak_ptr<const model::Parameters> weights;
  };
  std::vector<Open> open_;
  opened_version last_;
};

}  // namespace nodezero::actors

NODEZERO_LOCAL_MESSAGE(nodezero::actors::open_version)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::opened_version)
