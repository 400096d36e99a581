// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/run_difference.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include <fmt/format.h>

#include "runtime/inspect/compare.hpp"

namespace nodezero::actors {
namespace {

using Place = std::pair<std::uint64_t, std::uint64_t>;
constexpr Place anywhere = {0xffffffffffffffff, 0xffffffffffffffff};

std::string value_in_words(const FactValue& value) {
  return value.is_real ? fmt::format("{:.9g}", std::bit_cast<double>(value.bits))
                       : fmt::format("{}", value.bits);
}

class Comparison {
 public:
  Comparison(const LogicalRun& left, const LogicalRun& right, std::string_view a,
             std::string_view b, std::size_t most)
      : left_(left), right_(right), a_(a), b_(b), most_(most) {}

  RunComparison compare() {
    find_window();
    auto left = left_.facts.begin(), right = right_.facts.begin();
    while (found_.differences.size() < most_ &&
           (left != left_.facts.end() || right != right_.facts.end())) {
      const bool is_right_later =
          right == right_.facts.end() || (left != left_.facts.end() && left->first < right->first);
      const bool is_left_later =
          !is_right_later && (left == left_.facts.end() || right->first < left->first);
      if (is_right_later) {
        compare_one(left->first, &left->second, nullptr);
        ++left;
      } else if (is_left_later) {
        compare_one(right->first, nullptr, &right->second);
        ++right;
      } else {
        compare_one(left->first, &left->second, &right->second);
        ++left;
        ++right;
      }
    }
    return std::move(found_);
  }

 private:
  /// Only what both traces have whole is compared.
  void find_window() {
    from_ = std::max(left_.from, right_.from);
    to_ = std::min(left_.to, right_.to);
    begins_later_ = left_.begins_later || right_.begins_later;
    if (from_ == anywhere) {
      found_.restriction = "one of them has no step, so that nothing is compared";
    } else if (begins_later_) {
      found_.restriction = fmt::format("compared from step {} on", from_.second);
    }
    if (to_ != anywhere) {
      found_.restriction +=
          fmt::format("{} before step {}", begins_later_ ? " and" : "compared", to_.second);
    }
    if (left_.has_gaps || right_.has_gaps) {
      found_.restriction += found_.restriction.empty() ? "compared" : "; compared";
      found_.restriction +=
          " only in the numbers of what both traces have, because records are lost";
    }
  }

  bool is_compared(const FactKey& key) const {
    const Place place{key.epoch, key.step};
    if (place == anywhere) {
      return to_ == anywhere && !begins_later_;
    }
    // A run that begins in the middle announces what the other has announced long ago.
    const bool is_of_the_beginning = place == from_ && key.kind <= FactKind::training;
    return place >= from_ && place < to_ && !(begins_later_ && is_of_the_beginning);
  }

  void compare_one(const FactKey& key, const Fact* left, const Fact* right) {
    if (!is_compared(key)) {
      return;
    }
    ++found_.facts;
    if (left_.has_gaps || right_.has_gaps) {
      if (left != nullptr && right != nullptr && left->values != right->values) {
        add(RunDifference::Kind::value, key, left, right, value_difference(key, *left, *right));
      }
      return;
    }
    if (left == nullptr || right == nullptr) {
      const bool is_left = right == nullptr;
      add(is_left ? RunDifference::Kind::only_left : RunDifference::Kind::only_right, key, left,
          right,
          missing_in_words(key, is_left ? a_ : b_, is_left ? b_ : a_, is_left ? *left : *right,
                           is_left ? right_ : left_));
    } else if (left->lacks != right->lacks) {
      add(RunDifference::Kind::cause, key, left, right, cause_in_words(key, *left, *right));
    } else if (left->values != right->values) {
      add(RunDifference::Kind::value, key, left, right, value_difference(key, *left, *right));
    }
  }

  void add(RunDifference::Kind kind, const FactKey& key, const Fact* left, const Fact* right,
           std::string sentence) {
    found_.differences.push_back({kind, key, left == nullptr ? 0 : left->event,
                                  right == nullptr ? 0 : right->event, std::move(sentence)});
  }

  static std::string missing_in_words(const FactKey& key, std::string_view has,
                                      std::string_view lacks, const Fact& fact,
                                      const LogicalRun& other) {
    auto text =
        fmt::format("in {}, {} (event {}), but not in {}", has, in_words(key), fact.event, lacks);
    // The end of an epoch may be there, after another step.
    if (key.kind == FactKind::epoch_done) {
      for (const auto& [there, end] : other.facts) {
        if (there.kind == key.kind && there.epoch == key.epoch && there.step != key.step) {
          return fmt::format("{}, where that was after step {} (event {})", text, there.step,
                             end.event);
        }
      }
    }
    return text;
  }

  std::string cause_in_words(const FactKey& key, const Fact& left, const Fact& right) const {
    const bool is_left = !left.lacks.empty();
    const auto& early = is_left ? left : right;
    const auto& good = is_left ? right : left;
    const auto& needed = early.lacks.front();
    const auto before =
        needed.kind == FactKind::completed && needed.again != 0
            ? fmt::format("before version {} of the weights was complete", needed.first)
            : fmt::format("without it being known that {}", in_words(needed));
    return fmt::format("in {}, {} (event {}) {}; in {} (event {}) that came first",
                       is_left ? a_ : b_, in_words(key), early.event, before, is_left ? b_ : a_,
                       good.event);
  }

  std::string value_difference(const FactKey& key, const Fact& left, const Fact& right) const {
    if (key.kind == FactKind::lifecycle_state) {
      const auto state = [](const Fact& fact) {
        std::string name;
        for (const auto& letter : fact.values) {
          name += static_cast<char>(letter.bits);
        }
        return name;
      };
      return fmt::format(
          "the lifecycle's state number {} is {} in {} (event {}) and {} in {} "
          "(event {})",
          key.first + 1, state(left), a_, left.event, state(right), b_, right.event);
    }
    for (std::size_t i = 0; i < std::min(left.values.size(), right.values.size()); ++i) {
      const auto &one = left.values[i], &other = right.values[i];
      if (one != other) {
        return fmt::format("when {}, {} was {} in {} (event {}) and {} in {} (event {})",
                           in_words(key), one.name, value_in_words(one), a_, left.event,
                           value_in_words(other), b_, right.event);
      }
    }
    return fmt::format("when {}, {} and {} did not say the same (events {} and {})", in_words(key),
                       a_, b_, left.event, right.event);
  }

  const LogicalRun &left_, &right_;
  const std::string_view a_, b_;
  const std::size_t most_;
  RunComparison found_;
  Place from_, to_;
  bool begins_later_ = false;
};

/// What each actor did is counted.
RunComparison compare_counts(const runtime::trace::Trace& left,
                             const runtime::trace::Trace& right) {
  RunComparison comparison;
  comparison.facts = std::max(left.events.size(), right.events.size());
  if (const auto found = runtime::inspect::first_difference(left, right)) {
    const auto kind = found->right == 0  ? RunDifference::Kind::only_left
                      : found->left == 0 ? RunDifference::Kind::only_right
                                         : RunDifference::Kind::value;
    comparison.differences.push_back(
        {kind, {}, found->left, found->right, "an event of one trace is not in the other"});
  }
  return comparison;
}

}  // namespace

RunComparison compare(const LogicalRun& left, const LogicalRun& right, std::string_view a,
                      std::string_view b, std::size_t most) {
  return Comparison(left, right, a, b, most).compare();
}

RunComparison compare(const runtime::trace::Trace& left, const runtime::trace::Trace& right) {
  return is_of_a_run(left) || is_of_a_run(right)
             ? compare(logical_run(left), logical_run(right), "A", "B")
             : compare_counts(left, right);
}

std::span<const std::string_view> run_freedoms() {
  static constexpr std::array<std::string_view, 9> freedoms = {
      "times, and the numbers of events, messages, requests and threads",
      "the order in which independent messages arrive, such as gradients and reports",
      "which lane computes a micro-batch, adds a sum or updates a share of the weights, and in how "
      "many shares",
      "how many spheres there are, in which tree, which of them computes what, and which sums "
      "travel between them",
      "the loss in a sphere's report, which is added in the order of arrival",
      "when the next step is planned, as long as that is before it is assigned",
      "whether a checkpoint is written or skipped, and how long that takes",
      "what the clock decides: watchdog, deadlines, notes about buffers",
      "on which machines all that happens, which of them take part and when, what crosses between "
      "them, and which sums they add together",
  };
  return freedoms;
}

}  // namespace nodezero::actors
