// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/shelf.hpp"

#include <utility>

#include <fmt/format.h>

#include "model/storage/checkpoint.hpp"
#include "model/storage/digest.hpp"

namespace nodezero::actors {

shelf::behavior_type shelf::make_behavior() {
  return {[this](const open_version& message) -> caf::result<opened_version> {
    auto opened = open(message.step);
    if (!opened) {
      return make_error(opened.error());
    }
    last_ = std::move(*opened);
    return last_;
  }};
}

Result<opened_version> shelf::open(std::uint64_t step) {
  if (last_.version.weights && last_.version.envelope.step == step) {
    return last_;
  }
  last_ = {};
  std::erase_if(open_, [](const Open& each) { return each.weights.expired(); });
  for (const auto& each : open_) {
    if (auto weights = each.weights.lock(); weights && each.envelope.step == step) {
      auto digest = each.digest;
      return opened_version{{each.envelope, std::move(weights), true}, std::move(digest)};
    }
  }
  if (open_.size() >= most_open_) {
    return fail(
        ErrorCode::busy,
        fmt::format("{} earlier versions are in use already; try again later", open_.size()));
  }
  auto found = model::read_checkpoint(folder_, step);
  if (!found) {
    return fail(ErrorCode::not_found, fmt::format("the version of step {} is not kept", step));
  }
  const auto& [config, progress, weights, optimizer] = found->checkpoint;
  const Envelope envelope{progress.run, progress.epoch, progress.step, progress.version};
  auto digest = model::digest(*weights);
  open_.push_back({envelope, digest, weights});
  return opened_version{{envelope, weights, true}, std::move(digest)};
}

}  // namespace nodezero::actors
