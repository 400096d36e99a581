// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/own_threads.hpp"

#include <atomic>
#include <future>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "runtime/ask.hpp"
#include "runtime/system_config.hpp"

namespace nodezero::runtime {
namespace {

struct Config : caf::actor_system_config {
  explicit Config(std::size_t workers) {
    configure(*this, Scheduling::own_threads);
    run_on_threads(*this, OwnThreads::start(workers).value());
  }
};

caf::behavior doubler(caf::event_based_actor*) {
  return {[](int number) { return 2 * number; }};
}

TEST(OwnThreads, RunActors) {
  Config config(3);
  caf::actor_system system(config);
  std::vector<caf::actor> actors;
  for (int i = 0; i < 100; ++i) {
    actors.push_back(system.spawn(doubler));
  }
  caf::scoped_actor self(system);
  for (int i = 0; i < 100; ++i) {
    int answer = 0;
    self->request(actors[static_cast<std::size_t>(i)], caf::infinite, i)
        .receive([&](int number) { answer = number; }, [](const caf::error&) { FAIL(); });
    EXPECT_EQ(answer, 2 * i);
  }
}

// As many actors may compute at a time as there are workers, and one worker has the messages of the
// others.
TEST(OwnThreads, ServeWhileOthersCompute) {
  Config config(3);
  caf::actor_system system(config);
  std::promise<void> may_end;
  const auto end = may_end.get_future().share();
  const auto waiter = [end](caf::event_based_actor*) -> caf::behavior {
    return {[end](int number) {
      end.wait();
      return number;
    }};
  };
  caf::scoped_actor self(system);
  // Lazily: no job of theirs exists before they have their workers.
  const auto first = system.spawn<caf::lazy_init>(waiter);
  const auto second = system.spawn<caf::lazy_init>(waiter);
  for (const auto& one : {first, second}) {
    give_worker(system, caf::actor_cast<caf::strong_actor_ptr>(one));
  }
  auto of_first = self->request(first, caf::infinite, 1);
  auto of_second = self->request(second, caf::infinite, 2);
  self->request(system.spawn(doubler), caf::infinite, 4)
      .receive([](int number) { EXPECT_EQ(number, 8); }, [](const caf::error&) { FAIL(); });
  may_end.set_value();
  of_first.receive([](int number) { EXPECT_EQ(number, 1); }, [](const caf::error&) { FAIL(); });
  of_second.receive([](int number) { EXPECT_EQ(number, 2); }, [](const caf::error&) { FAIL(); });
}

class Leaving : public caf::event_based_actor {
 public:
  Leaving(caf::actor_config& config, std::promise<void>& gone)
      : event_based_actor(config), gone_(gone) {}
  ~Leaving() override { gone_.set_value(); }
  caf::behavior make_behavior() override {
    return {[this](int) { quit(); }};
  }

 private:
  std::promise<void>& gone_;
};

TEST(OwnThreads, TakeTheWorkerOfAnActorBackThatHasEnded) {
  Config config(2);
  caf::actor_system system(config);
  std::promise<void> gone;
  auto first = system.spawn<Leaving, caf::lazy_init>(gone);
  give_worker(system, caf::actor_cast<caf::strong_actor_ptr>(first));
  caf::anon_send(first, 1);
  first = nullptr;
  gone.get_future().wait();

  std::promise<void> may_end;
  const auto waiter = [end =
                           may_end.get_future().share()](caf::event_based_actor*) -> caf::behavior {
    return {[end](int number) {
      end.wait();
      return number;
    }};
  };
  const auto second = system.spawn<caf::lazy_init>(waiter);
  give_worker(system, caf::actor_cast<caf::strong_actor_ptr>(second));
  caf::scoped_actor self(system);
  auto of_second = self->request(second, caf::infinite, 2);
  self->request(system.spawn(doubler), std::chrono::seconds(30), 4)
      .receive([](int number) { EXPECT_EQ(number, 8); }, [](const caf::error&) { FAIL(); });
  may_end.set_value();
  of_second.receive([](int number) { EXPECT_EQ(number, 2); }, [](const caf::error&) { FAIL(); });
}

TEST(OwnThreads, HaveAClock) {
  Config config(1);
  caf::actor_system system(config);
  caf::scoped_actor self(system);
  // Never answers.
  const auto silent = system.spawn([](caf::event_based_actor* me) -> caf::behavior {
    return {[me](int) { return me->make_response_promise<int>(); }};
  });
  self->request(silent, std::chrono::milliseconds(5), 1)
      .receive([](int) { FAIL(); },
               [](const caf::error& error) { EXPECT_EQ(error, caf::sec::request_timeout); });
  caf::anon_send_exit(silent, caf::exit_reason::kill);
  const auto delayed = system.spawn([](caf::event_based_actor* me) -> caf::behavior {
    return {[me](int number) {
      auto promise = me->make_response_promise<int>();
      me->delayed_send(me, std::chrono::milliseconds(2), std::string("now"));
      me->become([promise, number](const std::string&) mutable { promise.deliver(number + 1); });
      return promise;
    }};
  });
  self->request(delayed, caf::infinite, 1)
      .receive([](int number) { EXPECT_EQ(number, 2); }, [](const caf::error&) { FAIL(); });
}

// CAF's clock hangs when more than 256 timeouts are cancelled after its thread has ended.
TEST(OwnThreads, EndWithManyTimeoutsOpen) {
  for (int round = 0; round < 20; ++round) {
    Config config(8);
    caf::actor_system system(config);
    for (int i = 0; i < 1'024; ++i) {
      const auto waiting = system.spawn([](caf::event_based_actor* me) -> caf::behavior {
        me->delayed_send(me, std::chrono::hours(1), 1);
        return {[](int) {}};
      });
      caf::anon_send_exit(waiting, caf::exit_reason::kill);
    }
  }
}

TEST(OwnThreads, SayHowManyCouldBeStarted) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer takes more memory than the limit allows";
#endif
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  const rlimit tight{std::size_t{600} << 20, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &tight), 0);
  const auto threads = OwnThreads::start(1'000);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  ASSERT_FALSE(threads);
  EXPECT_NE(threads.error().message.find("of 1001 threads could be started"), std::string::npos)
      << threads.error().message;
}

}  // namespace
}  // namespace nodezero::runtime
