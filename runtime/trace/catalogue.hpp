// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/trace/trace.hpp"

namespace nodezero::runtime::trace {

/// Takes the words of a payload in the order of the fields that were described.
class PayloadWriter {
 public:
  virtual void number(std::uint64_t value) = 0;
  void real(double value) { number(std::bit_cast<std::uint64_t>(value)); }
  void numbers(std::span<const std::uint32_t> values);

 protected:
  ~PayloadWriter() = default;
};

/// What is recorded of messages of one type.
struct MessageType {
  std::string name;
  std::vector<FieldDescription> fields;
  /// Writes the fields of the message at the address; null: the type has no fields. Called in
  /// the thread that sends, before the receiver can see the message.
  void (*write)(const void* message, PayloadWriter& payload) = nullptr;
};

/// The message types whose content is recorded. A type that is missing here is recorded by its
/// name alone. A message of several elements counts as its first.
class Catalogue {
 public:
  /// `write` must be a lambda without captures: void(const T&, PayloadWriter&).
  template <class T, class Write>
  void add(std::string name, std::vector<FieldDescription> fields, Write) {
    add(typeid(T),
        {std::move(name), std::move(fields), [](const void* message, PayloadWriter& payload) {
           Write{}(*static_cast<const T*>(message), payload);
         }});
  }
  /// A type without fields.
  template <class T>
  void add(std::string name) {
    add(typeid(T), {std::move(name), {}, nullptr});
  }

  const MessageType* find(const std::type_info& type) const;

 private:
  void add(const std::type_info& type, MessageType description);

  std::unordered_map<std::type_index, MessageType> types_;
};

/// "nodezero::actors::assign" from the name that the compiler gave the type.
std::string readable_name(const std::type_info& type);

}  // namespace nodezero::runtime::trace
