// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "apps/nodezero/options/train_options.hpp"

namespace nodezero::apps {

/// May an option of a run change when the run is resumed?
enum class OnResume {
  fixed,       ///< affects the weights or reported losses; resuming with another value is refused
  may_grow,    ///< the length of the run: it can be extended
  may_change,  ///< affects who computes, when something is reported, or how long to wait
};

/// One option of `nodezero train`. The limits are inclusive and apply to numbers only. One that is
/// true or false is a flag on the command line, and takes a value in files.
struct OptionSpec {
  const char* name;   ///< without the dashes
  const char* group;  ///< heading in the help text
  OnResume on_resume;
  double least;
  double most;
  const char* description;
};

/// Points to the value of an option in a TrainOptions.
using OptionValue =
    std::variant<std::string*, std::vector<std::string>*, std::int64_t*, std::uint64_t*,
                 std::uint32_t*, double*, bool*, model::TokenType*, model::Activation*,
                 model::Precision*, model::ExchangePrecision*, LearningRateSchedule*,
                 actors::RoutingPolicy*, actors::InferencePolicy*>;

struct Option {
  OptionSpec spec;
  OptionValue (*value_in)(TrainOptions& options);
};

/// The single list of the options of a run. The command line, the configuration file, run.json and
/// the comparison on resume are all driven by it.
std::span<const Option> option_table();

/// The entry with that name, which must be in the table.
const OptionSpec& option_spec(std::string_view name);

void copy_value(const Option& option, const TrainOptions& from, TrainOptions& to);

}  // namespace nodezero::apps
