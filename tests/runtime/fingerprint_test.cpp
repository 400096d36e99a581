// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/fingerprint.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace nodezero::runtime {
namespace {

/// Nobody has a key.
class NoKeys : public ActorKeys {
 public:
  std::uint64_t key(caf::actor_id) const override { return 0; }
};

template <class T>
std::uint64_t of(const T& value) {
  return fingerprint(NoKeys(), value);
}

enum class Mode { idle, busy };

class Range {
 public:
  Range(int first, int last) : first_(first), last_(last) {}
  auto fields() const {
    const auto& [first, last] = *this;
    return std::tie(first, last);
  }

 private:
  int first_;
  int last_;
};

struct Inner {
  std::uint32_t count = 0;
  double loss = 0;
};

struct State {
  Mode mode = Mode::idle;
  std::optional<Inner> inner;
  std::vector<bool> arrived;
  std::map<int, std::string> names;
  std::variant<Inner, Range> phase;
  std::shared_ptr<const Inner> shared;
  Moved<Inner> moved;
  std::tuple<int, Unseen<int>> key;
  Unseen<std::uint64_t> seen_by_nobody;
};

TEST(Fingerprint, ChangesWithEachMemberOfAState) {
  std::vector<State> states(20);
  states[1].mode = Mode::busy;
  states[2].inner.emplace();
  states[3].inner = Inner{1, 0};
  states[4].inner = Inner{0, 0.5};
  states[5].inner = Inner{0, -0.5};
  states[6].arrived = {false};
  states[7].arrived = {true};
  states[8].arrived = {false, false};
  states[9].names = {{1, "a"}};
  states[10].names = {{1, "b"}};
  states[11].names = {{2, "a"}};
  states[12].phase = Range(1, 2);
  states[13].phase = Range(2, 1);
  states[14].shared = std::make_shared<const Inner>();
  states[15].shared = std::make_shared<const Inner>(Inner{1, 0});
  states[16].moved = Moved(Inner{});
  states[17].moved = Moved(Inner{1, 0});
  std::get<0>(states[18].key) = 1;
  states[19].phase = Inner{1, 0};
  std::set<std::uint64_t> fingerprints;
  for (std::size_t i = 0; i < states.size(); ++i) {
    EXPECT_TRUE(fingerprints.insert(of(states[i])).second) << i;
  }
}

TEST(Fingerprint, SaysNothingOfWhatIsUnseenNorOfAddresses) {
  State one;
  State other;
  one.shared = std::make_shared<const Inner>(Inner{3, 0.25});
  other.shared = std::make_shared<const Inner>(Inner{3, 0.25});
  *one.seen_by_nobody = 7;
  std::get<1>(one.key) = {8};
  EXPECT_EQ(of(one), of(other));
}

TEST(Fingerprint, OfAMessageThatWasTakenIsThatOfAnEmptyOne) {
  State state;
  state.moved = Moved(Inner{1, 0});
  (void)state.moved.take();
  EXPECT_EQ(of(state), of(State()));
}

TEST(Fields, AreAllMembersInOrder) {
  struct None {};
  struct Three {
    int a = 1;
    std::optional<int> b = 2;
    std::string c = "3";
  };
  EXPECT_EQ(std::tuple_size_v<decltype(fields(None()))>, 0u);
  const Three three;
  const auto [a, b, c] = fields(three);
  EXPECT_EQ(a, 1);
  EXPECT_EQ(b, 2);
  EXPECT_EQ(c, "3");
  EXPECT_EQ(&std::get<2>(fields(three)), &three.c);
}

}  // namespace
}  // namespace nodezero::runtime
