// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/open_work.hpp"

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "actors/laws/trace_catalogue.hpp"
#include "support/recorded_trace.hpp"
#include "support/stage.hpp"

namespace nodezero::actors::testing {
namespace {

using TraceRecorder = runtime::trace::Recorder;

/// What is open when a run can only go on with messages that are held back.
std::string open_work(const Stage::Predicate& held) {
  auto settings = tiny_settings();
  settings.spheres = 3;
  auto recorder = TraceRecorder::make({.file = {},
                                       .ring = std::chrono::seconds(60),
                                       .clock = TraceRecorder::Clock::logical,
                                       .catalogue = trace_catalogue(),
                                       .about = {},
                                       .warn = {}});
  EXPECT_TRUE(recorder);
  settings.recorder = recorder->get();
  Stage stage(settings);
  auto ended = stage.ask<run_ended>(stage.actors().driver, run_all{});
  stage.hold = held;
  stage.run();
  EXPECT_FALSE(ended.answered());
  const auto words = open_work_in_words(**recorder);
  EXPECT_TRUE(words) << words.error().message;
  stage.hold = nullptr;
  stage.run();
  return words.value_or("");
}

void expect_says(const std::string& text, const std::vector<std::string>& parts) {
  for (std::size_t at = 0; const auto& part : parts) {
    const auto found = text.find(part, at);
    EXPECT_NE(found, std::string::npos) << part << " in: " << text;
    at = found == std::string::npos ? at : found;
  }
}

TEST(OpenWork, NamesALaneThatDoesNotCompute) {
  const auto text = open_work([](const Stage::Delivery& delivery) {
    const auto* asked = delivery.as<compute>();
    return delivery.receiver == "lane" && asked != nullptr && asked->envelope.step == 2 &&
           asked->position == 3;
  });
  expect_says(text, {"Step 2 of epoch 0 has been open for ", " of 5 micro-batches are reported.",
                     " has not reported micro-batch", "3, assigned ",
                     " asked lane_scheduler to compute micro-batch 3 of step 2 ",
                     "lane_scheduler asked lane ", " has not taken it up."});
}

TEST(OpenWork, NamesASphereThatDoesNotBegin) {
  const auto text = open_work([](const Stage::Delivery& delivery) {
    const auto* given = delivery.as<assign>();
    return delivery.receiver == "worker" && given != nullptr && given->envelope.step == 1 &&
           given->positions.size() == 2;
  });
  expect_says(text, {"Step 1 of epoch 0 has been open for ", " has not reported micro-batches ",
                     "It waits for nobody."});
}

TEST(OpenWork, NamesTheOptimizer) {
  const auto text = open_work([](const Stage::Delivery& delivery) {
    const auto* asked = delivery.as<apply>();
    return asked != nullptr && asked->envelope.step == 1;
  });
  expect_says(text, {"Step 1 of epoch 0 has all its micro-batches.",
                     "node_zero asked optimizer to apply the sum of step 1 ",
                     "optimizer has not taken it up."});
}

TEST(OpenWork, NamesAnEvaluationsWindows) {
  const auto text = open_work([](const Stage::Delivery& delivery) {
    const auto* given = delivery.as<compute>();
    return given != nullptr && given->purpose == Purpose::evaluate;
  });
  expect_says(
      text, {"The evaluation before step ", " windows are reported.", " has not reported window"});
}

TEST(OpenWork, SaysThatNothingIsOpen) {
  EXPECT_EQ(open_work_in_words(runtime::trace::Trace{}),
            "Nothing is open: no step is assigned and no request waits.");
}

}  // namespace
}  // namespace nodezero::actors::testing
