// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/out_of_memory.hpp"

#include <cxxabi.h>
#include <new>
#include <pthread.h>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace nodezero::apps {
namespace {

void say_and_end() {
  constexpr std::string_view line = "nodezero: error: out of memory\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
  ::_exit(1);
}

/// How an object is destroyed that is thread_local.
struct Destructor {
  void (*run)(void*);
  void* object;
  Destructor* next;
};

void run_destructors(void* last) {
  for (auto* one = static_cast<Destructor*>(last); one != nullptr;) {
    one->run(one->object);
    delete std::exchange(one, one->next);
  }
}

/// Under which each thread has the destructor of the object that it made last. glibc keeps the
/// values of a process's first keys in the threads themselves.
pthread_key_t key_of_destructors() {
  static const pthread_key_t key = [] {
    pthread_key_t made{};
    if (const int code = ::pthread_key_create(&made, run_destructors); code != 0) {
      throw std::system_error(code, std::generic_category());
    }
    return made;
  }();
  return key;
}

}  // namespace

void end_where_memory_ends() {
  std::set_new_handler(say_and_end);
  key_of_destructors();
}

}  // namespace nodezero::apps

// In place of the C++ library's, for all libraries of the process, CAF among them: without memory
// for the destructor that one would abort the process, and not ask the new-handler. Objects of the
// main thread last until the process ends.
extern "C" [[gnu::visibility("default")]] int __cxxabiv1::__cxa_thread_atexit(
    void (*destructor)(void*), void* object, void* /*library*/) noexcept {
  using namespace nodezero::apps;
  const auto key = key_of_destructors();
  auto* const before = static_cast<Destructor*>(::pthread_getspecific(key));
  return ::pthread_setspecific(key, new Destructor{destructor, object, before});
}
