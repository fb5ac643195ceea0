// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/decode/dbc_reading.h"

using namespace outrider;

namespace {

std::string mux_message(const std::vector<std::string>& signals) {
  std::string text = "BO_ 10 Mux: 8 N\n";
  for (const std::string& signal : signals) text += " SG_ " + signal + " : 0|8@1+ (1,0) [0|0] \"\" N\n";
  return text;
}

}  // namespace

TEST_SUITE_BEGIN("dbc: multiplexing");

TEST_CASE("dbc: m<k> is there when the selector M is k, and plain signals always") {
  const Dbc dbc = clean(mux_message({"A m0", "Sel M", "B m255", "Plain"}));
  const DbcMessage& message = dbc.messages[0];
  CHECK(is_selected(message.signals[0], 1, {{0, 0}}));
  CHECK(is_selected(message.signals[2], 1, {{255, 255}}));
  CHECK(message.signals[1].is_selector);
  CHECK(message.signals[1].selector == -1);
  CHECK(message.signals[3].selector == -1);
  CHECK_FALSE(message.signals[3].is_selector);
}

TEST_CASE("dbc: SG_MUL_VAL_ ranges win over the number and may be wider") {
  const Dbc dbc = clean(mux_message({"X M", "Q m3", "R m1"}) + "SG_MUL_VAL_ 10 Q X 3-4, 7-9;\n");
  CHECK(is_selected(dbc.messages[0].signals[1], 0, {{3, 4}, {7, 9}}));
  CHECK(is_selected(dbc.messages[0].signals[2], 0, {{1, 1}}));
}

TEST_CASE("dbc: ranges may be separated by commas, spaces or both, and continue a former statement") {
  const Dbc dbc =
      clean(mux_message({"X M", "Q m1"}) +
            "SG_MUL_VAL_ 10 Q X 1-1,2-2 3-3 , 4-18446744073709551615;\nSG_MUL_VAL_ 10 Q X 0-0;\n");
  const DbcSignal& signal = dbc.messages[0].signals[1];
  REQUIRE(signal.selected_by.size() == 5);
  CHECK(signal.selected_by[3].last == 18446744073709551615U);
}

TEST_CASE("dbc: m<k>M selects and is selected") {
  const Dbc dbc = clean(mux_message({"Root M", "Nested m1M", "Leaf m5"}) +
                        "SG_MUL_VAL_ 10 Nested Root 1-1;\nSG_MUL_VAL_ 10 Leaf Nested 5-6;\n");
  const DbcMessage& message = dbc.messages[0];
  CHECK(message.signals[1].is_selector);
  CHECK(is_selected(message.signals[1], 0, {{1, 1}}));
  CHECK(is_selected(message.signals[2], 1, {{5, 6}}));
}

TEST_CASE("dbc: m<k>M without SG_MUL_VAL_ hangs below the only root") {
  const Dbc dbc = clean(mux_message({"Root M", "Nested m1M", "Leaf m5"}));
  CHECK(is_selected(dbc.messages[0].signals[1], 0, {{1, 1}}));
  CHECK(is_selected(dbc.messages[0].signals[2], 0, {{5, 5}}));
}

TEST_CASE("dbc: with two roots a signal that SG_MUL_VAL_ does not place is skipped rather than guessed") {
  const Dbc dbc =
      parsed(mux_message({"R1 M", "Lost m1", "R2 M", "Kept m1"}) + "SG_MUL_VAL_ 10 Kept R2 1-1;\n");
  REQUIRE(dbc.messages[0].signals.size() == 3);
  CHECK(is_selected(signal_of(dbc.messages[0], "Kept"), 1, {{1, 1}}));  // indices follow the removal
  CHECK(has_warning(dbc, 1, "'Lost'"));
}

TEST_CASE("dbc: multiplexed signals without any selector are skipped with a warning") {
  const Dbc dbc = parsed(mux_message({"A m0", "Plain"}));
  REQUIRE(dbc.messages[0].signals.size() == 1);
  CHECK(has_warning(dbc, 1, "no selector"));
}

TEST_CASE("dbc: a bare m is the selector where one lacks, else an ordinary signal, with a warning") {
  const Dbc selector = parsed(mux_message({"Code m", "A m0", "B m1"}));
  CHECK(selector.messages[0].signals[0].is_selector);
  CHECK(is_selected(selector.messages[0].signals[2], 0, {{1, 1}}));
  CHECK(has_warning(selector, 1, "read as the selector"));
  const Dbc plain = parsed(mux_message({"Code m", "Sel M", "A m0"}));
  CHECK(plain.messages[0].signals[0].selector == -1);
  CHECK(is_selected(plain.messages[0].signals[2], 1, {{0, 0}}));
  CHECK(has_warning(plain, 1, "always present"));
}

TEST_CASE("dbc: selectors that go in a circle are skipped with all that hangs below") {
  const Dbc dbc = parsed(mux_message({"A m1M", "B m1M", "C m2", "Self m3", "Plain"}) +
                         "SG_MUL_VAL_ 10 A B 1-1;\nSG_MUL_VAL_ 10 B A 1-1;\nSG_MUL_VAL_ 10 C A "
                         "2-2;\nSG_MUL_VAL_ 10 Self Self 3-3;\n");
  REQUIRE(dbc.messages[0].signals.size() == 1);
  CHECK(dbc.messages[0].signals[0].name == "Plain");
  CHECK(dbc.warnings.size() == 4);
}

TEST_CASE("dbc: SG_MUL_VAL_ about what is not there is skipped with its line") {
  const Dbc dbc = parsed(mux_message({"X M", "Q m1"}) +
                         "SG_MUL_VAL_ 11 Q X 1-1;\nSG_MUL_VAL_ 10 None X 1-1;\nSG_MUL_VAL_ 10 Q None 1-1;\n"
                         "SG_MUL_VAL_ 10 Q X 5-1;\nSG_MUL_VAL_ 10 Q X one;\nSG_MUL_VAL_ 10 Q X 2-2;\n");
  for (int line = 4; line <= 8; ++line) CHECK(has_warning(dbc, line, "SG_MUL_VAL_"));
  CHECK(is_selected(dbc.messages[0].signals[1], 0, {{2, 2}}));
}

TEST_SUITE_END();
