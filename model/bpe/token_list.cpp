// SPDX-License-Identifier: BSD-3-Clause
#include "model/bpe/token_list.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "model/bpe/byte_symbols.hpp"

namespace nodezero::model {
namespace {

tl::unexpected<Error> refuse(std::string what) {
  return fail(ErrorCode::malformed, std::move(what));
}

std::string in_quotes(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Result<std::size_t> TokenList::slot_for(const std::string& shown, const nlohmann::json& id) {
  if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= most_) {
    return refuse(fmt::format("gives token {} the id {}, which is not one of 0 to {}",
                              in_quotes(shown), id.dump(), most_ - 1));
  }
  const auto slot = id.get<std::size_t>();
  if (slot >= tokens_.size()) {
    tokens_.resize(slot + 1, {.bytes = {}, .role = Token::Role::none});
  }
  return slot;
}

Result<void> TokenList::add(const std::string& symbols, const nlohmann::json& id) {
  const auto slot = slot_for(symbols, id);
  if (!slot) {
    return tl::unexpected(slot.error());
  }
  auto bytes = from_symbols(symbols);
  if (!bytes || bytes->empty()) {
    return refuse(
        fmt::format("has the token {}, which does not stand for bytes; only byte-level "
                    "BPE is supported",
                    in_quotes(symbols)));
  }
  if (tokens_[*slot].role != Token::Role::none) {
    return refuse(fmt::format("gives the id {} to two tokens; save the tokenizer again", *slot));
  }
  tokens_[*slot] = {std::move(*bytes), Token::Role::text};
  ids_by_symbols_[symbols] = static_cast<std::int32_t>(*slot);
  return {};
}

Result<void> TokenList::add_special(const std::string& text, const nlohmann::json& id,
                                    Token::Role role) {
  const auto slot = slot_for(text, id);
  if (!slot) {
    return tl::unexpected(slot.error());
  }
  const auto known = ids_by_symbols_.find(text);
  const bool is_same =
      known != ids_by_symbols_.end() && known->second == static_cast<std::int32_t>(*slot);
  if (tokens_[*slot].role != Token::Role::none && !is_same) {
    return refuse(fmt::format("gives the id {} to two tokens; save the tokenizer again", *slot));
  }
  tokens_[*slot] = {text, role};
  return {};
}

Result<void> TokenList::add_merge(std::string_view left, std::string_view right) {
  const auto id_of = [&](const std::string& symbols) {
    const auto found = ids_by_symbols_.find(symbols);
    return found == ids_by_symbols_.end() ? -1 : found->second;
  };
  const Merge merge{id_of(std::string(left)), id_of(std::string(right)),
                    id_of(std::string(left).append(right))};
  if (merge.left < 0 || merge.right < 0 || merge.result < 0) {
    return refuse(
        fmt::format("has the merge {} of tokens that are not in its vocabulary; check "
                    "that the two belong together",
                    in_quotes(std::string(left).append(" ").append(right))));
  }
  merges_.push_back(merge);
  return {};
}

Result<BytePairs> TokenList::finish(bool whole_first) && {
  const auto hole = std::ranges::find(tokens_, Token::Role::none, &Token::role);
  if (hole != tokens_.end()) {
    return refuse(fmt::format("gives the id {} to no token; save the tokenizer again",
                              hole - tokens_.begin()));
  }
  return BytePairs::create(std::move(tokens_), std::move(merges_), whole_first);
}

}  // namespace nodezero::model
