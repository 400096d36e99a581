// SPDX-License-Identifier: BSD-3-Clause
#include "model/bpe/byte_pairs.hpp"

#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/bpe/byte_pair_training.hpp"
#include "model/bpe/byte_symbols.hpp"
#include "model/bpe/pieces.hpp"
#include "model/bpe/unicode_classes.hpp"
#include "model/bpe/vocabulary_files.hpp"
#include "tests/model/support/byte_pairs.hpp"
#include "tests/model/support/files.hpp"

namespace nodezero::model {
namespace {

using Ids = std::vector<std::int32_t>;

const BytePairs& vocabulary(const std::string& name) {
  static const auto gpt2 = gpt2_byte_pairs();
  static const auto small = small_byte_pairs();
  return name == "gpt2" ? gpt2 : small;
}

const nlohmann::json& vectors() {
  static const auto all = nlohmann::json::parse(content_of(fixtures_folder() / "bpe-vectors.json"));
  return all;
}

Ids encode(const BytePairs& pairs, std::string_view text, bool remembers = true) {
  Ids ids;
  BytePairEncoder(pairs, remembers).encode(text, true, ids);
  return ids;
}

std::string decode(const BytePairs& pairs, const Ids& ids) {
  std::string text;
  for (const auto id : ids) {
    text += pairs.tokens()[static_cast<std::size_t>(id)].bytes;
  }
  return text;
}

TEST(BytePairs, GiveTheIdsOfTheReference) {
  ASSERT_EQ(vectors().at("cases").size(), 217u);
  for (const char* name : {"gpt2", "small"}) {
    for (const auto& text : vectors().at("cases")) {
      const auto expected = text.at(name).get<Ids>();
      for (const bool remembers : {false, true}) {
        EXPECT_EQ(encode(vocabulary(name), text.at("text").get<std::string>(), remembers), expected)
            << name << ": " << text.at("name");
      }
    }
  }
}

TEST(BytePairs, GiveTheIdsOfTheReferenceWhereverABlockEnds) {
  for (const auto& entry : vectors().at("cases")) {
    const auto text = entry.at("text").get<std::string>();
    Ids ids;
    BytePairEncoder encoder(vocabulary("gpt2"), false);
    std::string waiting;
    for (const char byte : text) {
      waiting += byte;
      waiting.erase(0, encoder.encode(waiting, false, ids));
    }
    encoder.encode(waiting, true, ids);
    EXPECT_EQ(ids, entry.at("gpt2").get<Ids>()) << entry.at("name");
  }
}

TEST(BytePairs, TakeEachByteThatIsNoUtf8AsASymbol) {
  ASSERT_EQ(vectors().at("invalid_utf8").size(), 11u);
  for (const auto& entry : vectors().at("invalid_utf8")) {
    std::string bytes;
    const auto hex = entry.at("hex").get<std::string>();
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    EXPECT_EQ(encode(vocabulary("gpt2"), bytes), entry.at("gpt2").get<Ids>()) << entry.at("name");
  }
}

TEST(BytePairs, GiveAnyBytesBack) {
  std::mt19937 random(7);
  const std::string favourites = " \n'sa1\xC3\xA9\xE2\x80\x83\xF0\x9F\x98\x80";
  for (int round = 0; round < 500; ++round) {
    std::string bytes(random() % 300, '\0');
    for (char& byte : bytes) {
      byte = random() % 3 == 0 ? static_cast<char>(random())
                               : favourites[random() % favourites.size()];
    }
    const auto ids = encode(vocabulary("small"), bytes);
    EXPECT_EQ(decode(vocabulary("small"), ids), bytes);
    EXPECT_EQ(ids, encode(vocabulary("small"), bytes, false));
  }
}

/// With steps that grow as the square of a piece this would take hours.
TEST(BytePairs, MergeAPieceOfAMegabyte) {
  std::string text;
  for (int i = 0; i < 500'000; ++i) {
    text += "ab";
  }
  const auto ids = encode(vocabulary("gpt2"), text);
  EXPECT_EQ(ids, Ids(500'000, 397));
  // A short piece is merged in another way, to the same end.
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::string piece;
    for (int i = 0; i < 60; ++i) {
      piece += "etaoin"[random() % 6];
    }
    const auto whole = encode(vocabulary("gpt2"), piece);
    EXPECT_EQ(decode(vocabulary("gpt2"), whole), piece);
    Ids naive(piece.begin(), piece.end());
    for (auto& id : naive) {
      id = vocabulary("gpt2").id_of(std::string(1, static_cast<char>(id)));
    }
    for (;;) {
      std::int32_t best = -1;
      std::size_t place = 0;
      for (std::size_t i = 0; i + 1 < naive.size(); ++i) {
        const auto rank = vocabulary("gpt2").rank_of(naive[i], naive[i + 1]);
        if (rank >= 0 && (best < 0 || rank < best)) {
          best = rank;
          place = i;
        }
      }
      if (best < 0) {
        break;
      }
      naive[place] = vocabulary("gpt2").merges()[static_cast<std::size_t>(best)].result;
      naive.erase(naive.begin() + static_cast<std::ptrdiff_t>(place) + 1);
    }
    EXPECT_EQ(whole, naive) << piece;
  }
}

TEST(BytePairs, TakeAPieceThatIsATokenAsThatTokenWhereTheyAreToldTo) {
  auto json = nlohmann::json::parse(to_json(vocabulary("small")));
  const auto token = json["model"]["vocab"].size();
  json["model"]["vocab"]["zqzq"] = token;
  EXPECT_EQ(encode(*byte_pairs_from_json(json), "zqzq").size(), 4u);
  json["model"]["ignore_merges"] = true;
  EXPECT_EQ(encode(*byte_pairs_from_json(json), "zqzq"), Ids{static_cast<std::int32_t>(token)});
}

TEST(BytePairTraining, GivesTheMergesOfTheReference) {
  const auto all =
      nlohmann::json::parse(content_of(fixtures_folder() / "bpe-training-vectors.json"));
  ASSERT_EQ(all.size(), 5u);
  for (const auto& [name, example] : all.items()) {
    BytePairTrainer trainer;
    trainer.count(example.at("text").get<std::string>(), true);
    const auto pairs = trainer.train(example.at("size").get<std::int64_t>());
    std::vector<std::string> merges;
    for (const Merge& merge : pairs.merges()) {
      merges.push_back(to_symbols(pairs.tokens()[static_cast<std::size_t>(merge.left)].bytes) +
                       " " +
                       to_symbols(pairs.tokens()[static_cast<std::size_t>(merge.right)].bytes));
    }
    EXPECT_EQ(merges, example.at("merges").get<std::vector<std::string>>()) << name;
    EXPECT_EQ(pairs.end_token(), 0);
    EXPECT_EQ(pairs.tokens()[1].bytes, "!");
  }
}

TEST(BytePairTraining, EndsWhereATextHasNoMorePairs) {
  BytePairTrainer trainer;
  trainer.count("ab ab", true);
  EXPECT_EQ(trainer.train(1'000).vocabulary(), 257 + 2);
}

TEST(Pieces, AreTheText) {
  PieceScanner scanner("It's  we'll \n\n x\xC2\xA0y 12a'");
  std::vector<std::string> pieces;
  for (auto piece = scanner.next(); !piece.empty(); piece = scanner.next()) {
    pieces.emplace_back(piece);
  }
  EXPECT_EQ(pieces, (std::vector<std::string>{"It", "'s", " ", " we", "'ll", " \n\n", " x",
                                              "\xC2\xA0", "y", " 12", "a", "'"}));
}

TEST(UnicodeClasses, AreThoseOfUnicode16) {
  const auto& classes = UnicodeClasses::get();
  EXPECT_EQ(classes[U'\u180E'], CharacterClass::other);   // white space until Unicode 6.3
  EXPECT_EQ(classes[U'\u1C89'], CharacterClass::letter);  // new in Unicode 16
  EXPECT_EQ(classes[U'\U00010D40'], CharacterClass::number);
  EXPECT_EQ(classes[U'\u2028'], CharacterClass::white_space);
  EXPECT_EQ(classes[U'\U0010FFFF'], CharacterClass::other);
}

}  // namespace
}  // namespace nodezero::model
