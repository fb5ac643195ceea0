// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "tests/unit/decode/dbc_reading.h"

using namespace outrider;

TEST_SUITE_BEGIN("dbc: what other statements add");

TEST_CASE("dbc: SIG_VALTYPE_ makes IEEE signals, also where the colon lacks") {
  const Dbc dbc = parsed(
      "BO_ 1 M: 24 N\n SG_ F : 0|32@1- (2,1) [0|0] \"\" N\n SG_ D : 39|64@0- (1,0) [0|0] \"\" N\n"
      " SG_ G : 96|32@1- (1,0) [0|0] \"\" N\n SG_ I : 128|32@1- (1,0) [0|0] \"\" N\n"
      "SIG_VALTYPE_ 1 F : 1;\nSIG_VALTYPE_ 1 D:2;\nSIG_VALTYPE_ 1 G 1;\nSIG_VALTYPE_ 1 I : 0;\n");
  const DbcMessage& message = dbc.messages[0];
  CHECK(signal_of(message, "F").type == ValueType::kFloat32);
  CHECK(signal_of(message, "D").type == ValueType::kFloat64);
  CHECK(signal_of(message, "G").type == ValueType::kFloat32);
  CHECK(signal_of(message, "I").type == ValueType::kSigned);
  CHECK(dbc.warnings.size() == 1);
  CHECK(has_warning(dbc, 8, "':'"));
}

TEST_CASE("dbc: a float type of the wrong width leaves the integer, with a warning") {
  const Dbc dbc = parsed(kPlain + "SIG_VALTYPE_ 291 Speed : 1;\n");
  CHECK(dbc.messages[0].signals[0].type == ValueType::kUnsigned);
  CHECK(has_warning(dbc, 3, "16 bits"));
}

TEST_CASE("dbc: value names may be negative, empty, hold ';' or escaped quotes, and span lines") {
  const Dbc dbc = clean(
      kPlain + "VAL_ 291 Speed -1 \"minus; one\" 0 \"\" 1 \"said \\\"one\\\"\"\n  2 \"two\" 255 \"n/a\" ;\n");
  const auto& names = dbc.messages[0].signals[0].value_names;
  REQUIRE(names.size() == 5);
  CHECK(names.at(-1) == "minus; one");
  CHECK(names.at(0).empty());
  CHECK(names.at(1) == "said \"one\"");
  CHECK(names.at(2) == "two");
}

TEST_CASE("dbc: a value name above the signed range shares its bits") {
  const Dbc dbc = clean(kPlain + "VAL_ 291 Speed 18446744073709551615 \"all ones\" ;\n");
  CHECK(dbc.messages[0].signals[0].value_names.at(-1) == "all ones");
}

TEST_CASE("dbc: a broken value keeps those before it and the statements after it") {
  const Dbc dbc = parsed(
      kPlain +
      "VAL_ 291 Speed 0 \"zero\" x \"ex\" 2 \"two\" ;\nVAL_ 291 Speed2 0 \"a\";\nCM_ BO_ 291 \"text\";\n");
  CHECK(dbc.messages[0].signals[0].value_names.size() == 1);
  CHECK(dbc.messages[0].comment == "text");
  CHECK(has_warning(dbc, 3, "VAL_"));
  CHECK(has_warning(dbc, 4, "no signal 'Speed2'"));
}

TEST_CASE("dbc: VAL_TABLE_ and the values of environment variables are passed over") {
  const Dbc dbc = clean(kPlain +
                        "VAL_TABLE_ Gear 3 \"D; drive\" 2 \"N\" ;\nVAL_ EnvVar 1 \"on;\" 0 \"off\" ;\nVAL_ "
                        "291 Speed 1 \"one\" ;\n");
  CHECK(dbc.messages[0].signals[0].value_names.size() == 1);
}

TEST_CASE("dbc: comments span lines and hold ';', escaped quotes and what looks like statements") {
  const Dbc dbc =
      clean(kPlain +
            "CM_ SG_ 291 Speed \"first; \\\"line\\\"\nBO_ 5 Fake: 8 N\n SG_ Also : no signal;\";\n"
            "CM_ BO_ 291 \"about the message\";\nCM_ BU_ ECU \"a node\";\nCM_ EV_ Env \"a variable\";\nCM_ "
            "\"the file\";\n");
  REQUIRE(dbc.messages.size() == 1);
  CHECK(dbc.messages[0].signals[0].comment == "first; \"line\"\nBO_ 5 Fake: 8 N\n SG_ Also : no signal;");
  CHECK(dbc.messages[0].comment == "about the message");
}

TEST_CASE("dbc: a comment without ';' costs nothing but a warning") {
  const Dbc dbc = parsed(
      "CM_ \"Right target ahead\"\nBO_ 1669 CLUSTER: 8 RADAR\n SG_ ID : 0|6@1+ (1,0) [0|63] \"\" XXX\n");
  REQUIRE(dbc.messages.size() == 1);
  CHECK(dbc.messages[0].signals.size() == 1);
  CHECK(has_warning(dbc, 1, "lacks the ';'"));
}

TEST_CASE("dbc: a comment whose closing quote lacks ends where the next statement begins") {
  const Dbc dbc = parsed("CM_ \"never closed;\n" + kPlain +
                         "CM_ SG_ 291 Speed \"also never closed;\nVAL_ 291 Speed 0 \"zero\" ;\n");
  REQUIRE(dbc.messages.size() == 1);
  CHECK(dbc.messages[0].signals[0].comment == "also never closed");
  CHECK(dbc.messages[0].signals[0].value_names.at(0) == "zero");
  CHECK(has_warning(dbc, 1, "quote"));
  CHECK(has_warning(dbc, 4, "quote"));
}

TEST_CASE("dbc: quotes that somebody forgot to escape stay in the comment") {
  const Dbc dbc = parsed(kPlain + "CM_ BO_ 291 \"the so-called \"engine\" message\";\n" +
                         "VAL_ 291 Speed 0 \"zero\" ;\n");
  CHECK(dbc.messages[0].comment == "the so-called \"engine\" message");
  CHECK(dbc.messages[0].signals[0].value_names.size() == 1);
  CHECK(has_warning(dbc, 3, "not escaped"));
}

TEST_CASE("dbc: an import before VERSION is reported, as it is not followed") {
  const Dbc dbc = parsed("CM_ \"IMPORT _other.dbc\";\nVERSION \"\"\n" + kPlain);
  CHECK(dbc.messages.size() == 1);
  CHECK(has_warning(dbc, 1, "_other.dbc"));
}

TEST_CASE("dbc: cycle time, start value and SPN come from their attribute or its default") {
  const Dbc dbc = clean(
      "BO_ 1 A: 8 N\n SG_ X : 0|8@1+ (1,0) [0|0] \"\" N\n SG_ Y : 0|8@1+ (1,0) [0|0] \"\" N\nBO_ 2 B: 8 N\n"
      "BA_DEF_ BO_  \"GenMsgCycleTime\" INT 0 65535;\nBA_DEF_ SG_  \"GenSigStartValue\" FLOAT -1E10 1E10;\n"
      "BA_DEF_ SG_  \"SPN\" INT 0 524287;\nBA_DEF_ BU_ \"NodeLayer\" INT 0 9;\n"
      "BA_DEF_DEF_  \"GenMsgCycleTime\" 100;\nBA_DEF_DEF_ \"GenSigStartValue\" 0;\nBA_DEF_DEF_ \"SPN\" 0;\n"
      "BA_ \"NodeLayer\" BU_ N 3;\nBA_ \"GenMsgCycleTime\" BO_ 1 20;\nBA_ \"GenSigStartValue\" SG_ 1 X "
      "-2.5;\nBA_ \"SPN\" SG_ 1 X 190;\n");
  CHECK(message_of(dbc, "A").cycle_time_ms == 20);
  CHECK(message_of(dbc, "B").cycle_time_ms == 100);
  const DbcSignal& x = dbc.messages[0].signals[0];
  const DbcSignal& y = dbc.messages[0].signals[1];
  CHECK(x.spn == 190);
  CHECK(x.start_value_raw == -2.5);
  CHECK_FALSE(y.spn);  // SPN 0 is nobody's
  CHECK(y.start_value_raw == 0);
}

TEST_CASE("dbc: a cycle time of 0 is none") {
  CHECK_FALSE(
      clean("BO_ 1 A: 8 N\nBA_DEF_ BO_ \"GenMsgCycleTime\" INT 0 9;\nBA_ \"GenMsgCycleTime\" BO_ 1 0;\n")
          .messages[0]
          .cycle_time_ms);
}

TEST_CASE("dbc: long names are published, short ones still connect the statements") {
  const Dbc dbc = clean(
      "BO_ 1 Msg_short: 8 N\n SG_ Sel M : 0|8@1+ (1,0) [0|0] \"\" N\n SG_ Sig_short m0 : 8|8@1+ (1,0) [0|0] "
      "\"\" N\n"
      "BA_DEF_ BO_ \"SystemMessageLongSymbol\" STRING ;\nBA_DEF_ SG_ \"SystemSignalLongSymbol\" STRING ;\n"
      "BA_DEF_DEF_ \"SystemMessageLongSymbol\" \"\";\nBA_DEF_DEF_ \"SystemSignalLongSymbol\" \"\";\n"
      "BA_ \"SystemMessageLongSymbol\" BO_ 1 \"Message_with_a_long_name\";\n"
      "BA_ \"SystemSignalLongSymbol\" SG_ 1 Sig_short \"Signal_with_a_long_name\";\n"
      "BA_ \"SystemSignalLongSymbol\" SG_ 1 Sel \"Selector_with_a_long_name\";\n"
      "VAL_ 1 Sig_short 1 \"one\" ;\nSG_MUL_VAL_ 1 Sig_short Sel 0-2;\nCM_ SG_ 1 Sig_short \"text\";\n");
  const DbcMessage& message = message_of(dbc, "Message_with_a_long_name");
  CHECK(message.short_name == "Msg_short");
  const DbcSignal& signal = signal_of(message, "Signal_with_a_long_name");
  CHECK(signal.short_name == "Sig_short");
  CHECK(signal.value_names.size() == 1);
  CHECK(signal.comment == "text");
  CHECK(is_selected(signal, 0, {{0, 2}}));
}

TEST_CASE("dbc: a long name that another signal has is not used") {
  const Dbc dbc = parsed(
      "BO_ 1 M: 8 N\n SG_ A : 0|8@1+ (1,0) [0|0] \"\" N\n SG_ B : 8|8@1+ (1,0) [0|0] \"\" N\n"
      "BA_ \"SystemSignalLongSymbol\" SG_ 1 A \"Long\";\nBA_ \"SystemSignalLongSymbol\" SG_ 1 B \"Long\";\n");
  CHECK(dbc.messages[0].signals[0].name == "Long");
  CHECK(dbc.messages[0].signals[1].name == "B");
  CHECK(has_warning(dbc, 1, "keeps its short name"));
}

TEST_CASE("dbc: the statements that mean nothing to us are passed over") {
  clean(
      "VERSION \"\"\nNS_ : \n\tNS_DESC_\n\tCM_\n\tBA_DEF_\n\tVAL_\n\tSG_MUL_VAL_\n\nBS_: 500:1,2\nBU_: ECU "
      "Gateway\n" +
      kPlain +
      "BO_TX_BU_ 291 : ECU,Gateway;\nEV_ Env: 0 [0|1] \"V; \" 0 1 DUMMY_NODE_VECTOR0 "
      "Vector__XXX;\nENVVAR_DATA_ Env: 5;\n"
      "SGTYPE_ T: 8@1+ (1,0) [0|0] \"\" 0 ;\nSIG_GROUP_ 291 Group 1 : Speed;\nCAT_DEF_ 1 A 2;\nBA_DEF_REL_ "
      "BU_SG_REL_ \"X\" INT 0 1;\n"
      "BA_DEF_DEF_REL_ \"X\" 0;\nBA_REL_ \"X\" BU_SG_REL_ ECU SG_ 291 Speed 1;\nBU_SG_REL_ 1;\n");
}

TEST_CASE("dbc: NS_ takes any list, and BU_ may have its nodes on lines of their own") {
  const Dbc dbc = clean("NS_: \n ANYTHING\n OTHER_\nBS_:\nBU_:\n ECU\n Gateway\n" + kPlain);
  CHECK(dbc.messages.size() == 1);
}

TEST_SUITE_END();
