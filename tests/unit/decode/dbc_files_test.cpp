// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/decode/dbc_reading.h"

using namespace outrider;

TEST_SUITE_BEGIN("dbc: files as they are found");

TEST_CASE("dbc: UTF-8 stays and anything else is cp1252") {
  const std::string tail = "BO_ 1 M: 8 N\n SG_ T : 0|8@1+ (1,0) [0|0] ";
  CHECK(clean(tail + "\"\xC2\xB0"
                     "C\" N\n")
            .messages[0]
            .signals[0]
            .unit ==
        "\xC2\xB0"
        "C");
  CHECK(clean(tail + "\"\xB0"
                     "C\" N\n")
            .messages[0]
            .signals[0]
            .unit ==
        "\xC2\xB0"
        "C");
  CHECK(clean(tail + "\"\x80/\xB5s\" N\n").messages[0].signals[0].unit == "\xE2\x82\xAC/\xC2\xB5s");
  CHECK(clean(tail + "\"\x81\" N\n").messages[0].signals[0].unit == "\xEF\xBF\xBD");
  // Overlong, surrogate, cut: not UTF-8, so each byte is a character of its own.
  CHECK(clean(tail + "\"\xC0\xAF\" N\n").messages[0].signals[0].unit == "\xC3\x80\xC2\xAF");
  CHECK(clean(tail + "\"\xED\xA0\x80\" N\n").messages[0].signals[0].unit == "\xC3\xAD\xC2\xA0\xE2\x82\xAC");
}

TEST_CASE("dbc: a byte order mark, CRLF, CR and a DOS end-of-file mark change nothing") {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    std::string text = "\xEF\xBB\xBFVERSION \"\"" + end + "BO_ 1 M: 8 N" + end +
                       " SG_ S : 0|8@1+ (1,0) [0|0] \"V\" N" + end + "CM_ SG_ 1 S \"two" + end + "lines\";" +
                       end + "\x1A";
    const Dbc dbc = clean(text);
    CHECK(dbc.messages[0].line == 2);
    CHECK(dbc.messages[0].signals[0].unit == "V");
    CHECK(dbc.messages[0].signals[0].comment == "two\nlines");
  }
}

TEST_CASE("dbc: UTF-16 is refused with what to do") {
  const Result<Dbc> dbc = parse_dbc(std::string("\xFF\xFE"
                                                "B\0O\0",
                                                6),
                                    "wide.dbc");
  REQUIRE_FALSE(dbc);
  CHECK(dbc.error().text.find("UTF-8") != std::string::npos);
}

TEST_CASE("dbc: a broken statement costs itself and names its line; all that follows is kept") {
  struct Case {
    const char* broken;
    const char* expected;
  };
  for (const Case& c :
       {Case{" SG_ Bad 0|8@1+ (1,0) [0|0] \"\" N", "':'"},
        Case{" SG_ Bad : x|8@1+ (1,0) [0|0] \"\" N", "start bit"},
        Case{" SG_ Bad : 0|8@2+ (1,0) [0|0] \"\" N", "byte order"},
        Case{" SG_ Bad : 0|8@1 (1,0) [0|0] \"\" N", "byte order"},
        Case{" SG_ Bad : 0|8@1+ (1 0) [0|0] \"\" N", "','"},
        Case{" SG_ Bad : 0|8@1+ (1,0) [0|0] \"km N", "closing quote"},
        Case{" SG_ Bad mX : 0|8@1+ (1,0) [0|0] \"\" N", "multiplexing mark"}, Case{" SG_", "name"},
        Case{"VAL_ 291 Speed 1 \"open", "VAL_"}, Case{"BA_ GenMsgCycleTime BO_ 291 5;", "quotes"},
        Case{"CM_ SG_ here Speed \"text; here\";", "message id"},
        Case{"SIG_VALTYPE_ 291 Speed : five;", "float"}, Case{"BA_DEF_ BO_ \"x\" ENUM ;", "enumerators"},
        Case{"FOO_ 1 2 3;", "begins no DBC statement"}, Case{"// a comment", "begins no DBC statement"},
        Case{"} ] ) (", "begins no DBC statement"}}) {
    const Dbc dbc = parsed(
        kPlain + c.broken +
        "\n SG_ After : 16|8@1+ (1,0) [0|0] \"\" N\nBO_ 5 Next: 8 N\n SG_ Y : 0|8@1+ (1,0) [0|0] \"\" N\n");
    CAPTURE(c.broken);
    CHECK(has_warning(dbc, 3, c.expected));
    CHECK(dbc.warnings.size() == 1);
    REQUIRE(dbc.messages.size() == 2);
    CHECK(dbc.messages[0].signals.size() == 2);
    CHECK(dbc.messages[1].signals.size() == 1);
  }
}

TEST_CASE("dbc: signals of a broken message are not given to the one before, and warned of once") {
  const Dbc dbc = parsed(kPlain +
                         "BO_ 5 Broken 8 N\n SG_ X : 0|8@1+ (1,0) [0|0] \"\" N\n SG_ Y : 0|8@1+ (1,0) [0|0] "
                         "\"\" N\nBO_ 6 Good: 8 N\n");
  REQUIRE(dbc.messages.size() == 2);
  CHECK(dbc.messages[0].signals.size() == 1);
  CHECK(dbc.warnings.size() == 1);
}

TEST_CASE("dbc: a signal before any message is skipped") {
  const Dbc dbc = parsed(" SG_ X : 0|8@1+ (1,0) [0|0] \"\" N\n" + kPlain);
  CHECK(dbc.messages[0].signals.size() == 1);
  CHECK(has_warning(dbc, 1, "before any BO_"));
}

TEST_CASE("dbc: strict refuses at the first warning by file and line, and takes what is clean") {
  CHECK(parse_dbc(kPlain, "good.dbc", true));
  const Result<Dbc> bad = parse_dbc(kPlain + "VAL_ 5 Speed 1 \"x\" ;\n SG_ Bad\n", "bad.dbc", true);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().fault == Fault::kReject);
  CHECK(bad.error().text.starts_with("bad.dbc:3: "));
}

TEST_CASE("dbc: what holds no DBC statement is refused") {
  for (const std::string& text : {std::string(), std::string("\n\n"), std::string("{\"json\": true}\n"),
                                  std::string("\x7F"
                                              "ELF\0\0",
                                              6)}) {
    const Result<Dbc> dbc = parse_dbc(text, "other.txt");
    REQUIRE_FALSE(dbc);
    CHECK(dbc.error().fault == Fault::kReject);
    CHECK(dbc.error().text.starts_with("other.txt: "));
  }
}

TEST_CASE("dbc: names are bounded") {
  const Dbc dbc = parsed(kPlain + " SG_ " + std::string(256, 'x') + " : 0|8@1+ (1,0) [0|0] \"\" N\n SG_ " +
                         std::string(255, 'y') + " : 0|8@1+ (1,0) [0|0] \"\" N\n");
  CHECK(dbc.messages[0].signals.size() == 2);
  CHECK(has_warning(dbc, 3, "255 bytes"));
}

TEST_CASE("dbc: warnings are bounded and the rest is counted") {
  std::string text = kPlain;
  for (int i = 0; i < 1500; ++i) text += "VAL_ 5 X 0 \"x\" ;\n";
  const Dbc dbc = parsed(text);
  REQUIRE(dbc.warnings.size() == 1001);
  CHECK(dbc.warnings.back().text == "and 500 more warnings");
}

TEST_CASE("dbc: text made to be read again and again is read in linear time") {
  for (const std::string piece :
       {"CM_ \"", "CM_ \"\n", "\"", "CM_ \"a\" b\n", "VAL_ 1 S 0 \"\n", "SG_ S : 0|8@1+ (1,0) [0|0] \"\\\"\n",
        "CM_ \"x\nBO_ 1 M: 8 N\n", "\\\"", "BO_ 1 M: 8 N\n", "BA_DEF_ BO_ \"a\" ENUM \"x\",\n", "NS_ :\n",
        "BU_:\n A\n"}) {
    std::string text = "BO_ 1 M: 8 N\n";
    while (text.size() < (1U << 16U)) text += piece;
    CHECK(parse_dbc(text, "hostile.dbc"));
  }
}

TEST_CASE("dbc: load_dbc reads a file and names it without its folder") {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "outrider_dbc_test.dbc";
  std::ofstream(path, std::ios::binary) << kPlain;
  const Result<Dbc> dbc = load_dbc(path.string());
  std::filesystem::remove(path);
  REQUIRE(dbc);
  CHECK(dbc->name == "outrider_dbc_test.dbc");
  CHECK(dbc->messages.size() == 1);
}

TEST_CASE("dbc: a file that is absent or a folder is refused with its path") {
  const Result<Dbc> absent = load_dbc("/nonexistent/x.dbc");
  REQUIRE_FALSE(absent);
  CHECK(absent.error().text.starts_with("/nonexistent/x.dbc"));
  CHECK_FALSE(load_dbc(std::filesystem::temp_directory_path().string()));
}

TEST_SUITE_END();
