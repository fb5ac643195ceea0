// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "tests/unit/decode/dbc_reading.h"

using namespace outrider;

namespace {

/// The factor as the only thing that matters of one signal.
Decimal factor_of(const std::string& written) {
  const Dbc dbc = clean("BO_ 1 M: 8 N\n SG_ S : 0|8@1+ (" + written + ",0) [0|0] \"\" N\n");
  return dbc.messages.at(0).signals.at(0).factor;
}

}  // namespace

TEST_SUITE_BEGIN("dbc: messages and signals");

TEST_CASE("dbc: a message and a signal are read with all they say") {
  const Dbc dbc = clean(
      "VERSION \"1.7\"\n\nBU_: ECU Gateway\n\nBO_ 291 Engine: 8 ECU\n"
      " SG_ Torque : 7|12@0- (0.5,-10.25) [-100|100.5] \"Nm\"  Gateway,Dash\n");
  CHECK(dbc.name == "test.dbc");
  CHECK(dbc.version == "1.7");
  const DbcMessage& message = message_of(dbc, "Engine");
  CHECK(message.id == 291);
  CHECK_FALSE(message.is_extended);
  CHECK_FALSE(message.is_fd);
  CHECK_FALSE(message.is_j1939);
  CHECK(message.length == 8);
  CHECK(message.sender == "ECU");
  CHECK(message.line == 5);
  const DbcSignal& signal = signal_of(message, "Torque");
  CHECK(signal.start_bit == 7);
  CHECK(signal.width == 12);
  CHECK(signal.order == ByteOrder::kMotorola);
  CHECK(signal.type == ValueType::kSigned);
  CHECK(signal.factor.value == 0.5);
  CHECK(signal.offset.value == -10.25);
  CHECK(signal.minimum == -100);
  CHECK(signal.maximum == 100.5);
  CHECK(signal.unit == "Nm");
  CHECK(signal.selector == -1);
}

TEST_CASE("dbc: limits of 0 and 0 mean that none are given") {
  const Dbc dbc = clean("BO_ 1 M: 8 N\n SG_ S : 0|8@1+ (1,0) [0|0] \"\" N\n");
  CHECK_FALSE(dbc.messages[0].signals[0].minimum);
  CHECK_FALSE(dbc.messages[0].signals[0].maximum);
}

TEST_CASE("dbc: Vector__XXX is no sender") {
  CHECK(clean("BO_ 1 M: 8 Vector__XXX\n").messages[0].sender.empty());
}

TEST_CASE("dbc: a file without BU_, VERSION or any node is fine") {
  const Dbc dbc = clean("BO_ 1 M: 8\n SG_ S : 0|8@1+ (1,0) [0|0] \"\"\n");
  CHECK(dbc.messages.size() == 1);
  CHECK(dbc.messages[0].signals.size() == 1);
}

TEST_CASE("dbc: receivers come in any form or not at all") {
  const Dbc dbc = clean(
      "BO_ 1 M: 8 N\n"
      " SG_ A : 0|8@1+ (1,0) [0|0] \"\" X\n"
      " SG_ B : 0|8@1+ (1,0) [0|0] \"\"  X,Y\n"
      " SG_ C : 0|8@1+ (1,0) [0|0] \"\" X Y Z\n"
      " SG_ D : 0|8@1+ (1,0) [0|0] \"\" X, Y,\n   Z\n"
      " SG_ E : 0|8@1+ (1,0) [0|0] \"\"\n"
      " SG_ F : 0|8@1+ (1,0) [0|0] \"\" Vector__XXX");
  CHECK(dbc.messages[0].signals.size() == 6);
}

TEST_CASE("dbc: white space is needed nowhere around punctuation") {
  const Dbc dbc = clean(
      "BO_ 1 M:8 N\n SG_ S:0|8@1+(2,1)[0|9]\"V\"N\n SG_ T m3:8|8@1+(1,0)[0|0]\"\" N\n"
      " SG_ Q M:16 | 8 @1+ ( 1 , 0 ) [ 0 | 0 ] \"\" N\n");
  CHECK(dbc.messages[0].length == 8);
  CHECK(signal_of(dbc.messages[0], "S").unit == "V");
  CHECK(signal_of(dbc.messages[0], "T").selector == 2);
  CHECK(signal_of(dbc.messages[0], "Q").start_bit == 16);
}

TEST_CASE("dbc: names may begin with a digit") {
  const Dbc dbc = clean(
      "BO_ 1275 2017_5: 8 XXX\n SG_ 0_COUNTER : 4|5@0+ (1,0) [0|255] \"\" XXX\n"
      "VAL_ 1275 0_COUNTER 1 \"one\";\n");
  CHECK(signal_of(message_of(dbc, "2017_5"), "0_COUNTER").value_names.at(1) == "one");
}

TEST_CASE("dbc: limits or a unit that lack are forgiven with a warning") {
  const Dbc dbc = parsed(
      "BO_ 1 M: 8 N\n SG_ A : 0|8@1+ (1,0) \"km\" N\n SG_ B : 0|8@1+ (1,0) [0|1]\n"
      " SG_ C : 0|8@1+ (1,0) [low|high] \"A\" N\n");
  REQUIRE(dbc.messages[0].signals.size() == 3);
  CHECK(dbc.messages[0].signals[0].unit == "km");
  CHECK(dbc.messages[0].signals[2].unit == "A");
  CHECK(has_warning(dbc, 2, "minimum"));
  CHECK(has_warning(dbc, 3, "unit"));
  CHECK(has_warning(dbc, 4, "not two numbers"));
}

TEST_CASE("dbc: a signal that ends after its message stays, with a warning, in both byte orders") {
  const Dbc dbc = parsed(
      "BO_ 1 M: 2 N\n SG_ A : 8|9@1+ (1,0) [0|0] \"\" N\n SG_ B : 15|9@0+ (1,0) [0|0] \"\" N\n"
      " SG_ C : 8|8@1+ (1,0) [0|0] \"\" N\n SG_ D : 15|8@0+ (1,0) [0|0] \"\" N\n");
  CHECK(dbc.messages[0].signals.size() == 4);
  CHECK(dbc.warnings.size() == 2);
  CHECK(has_warning(dbc, 2, "ends after the 2 bytes"));
  CHECK(has_warning(dbc, 3, "ends after the 2 bytes"));
}

TEST_CASE("dbc: a width of 0 or above 64 is no number, and later statements about it stay quiet") {
  const Dbc dbc = parsed(
      "BO_ 1 M: 100 N\n SG_ A : 0|0@1+ (1,0) [0|0] \"\" N\n SG_ B : 0|65@1+ (1,0) [0|0] \"\" N\n"
      " SG_ C : 0|64@1+ (1,0) [0|0] \"\" N\nCM_ SG_ 1 B \"text\";\n");
  CHECK(dbc.messages[0].signals.size() == 1);
  CHECK(dbc.warnings.size() == 2);
  CHECK(has_warning(dbc, 2, "0 bits"));
  CHECK(has_warning(dbc, 3, "65 bits"));
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("dbc: numbers");

TEST_CASE("dbc: a decimal keeps the digits that were written") {
  const Decimal tenth = factor_of("0.1");
  CHECK(tenth.value == 0.1);
  CHECK(tenth.is_exact);
  CHECK(tenth.digits == 1);
  CHECK(tenth.decimals == 1);
  const Decimal padded = factor_of("0.1250000000000000000000");
  CHECK(padded.is_exact);
  CHECK(padded.digits == 125);
  CHECK(padded.decimals == 3);
}

TEST_CASE("dbc: exponents move the point, and exactness does not depend on the notation") {
  struct Case {
    const char* written;
    std::int64_t digits;
    int decimals;
  };
  for (const Case& c :
       {Case{"1E-2", 1, 2}, Case{"-4.0E+1", -40, 0}, Case{"+2.5e0", 25, 1}, Case{"1e-15", 1, 15},
        Case{"9.2e18", 9200000000000000000, 0}, Case{".5", 5, 1}, Case{"5.", 5, 0}, Case{"-0", 0, 0},
        Case{"0.000", 0, 0}, Case{"100", 100, 0}, Case{"9223372036854775807", 9223372036854775807, 0}}) {
    const Decimal factor = factor_of(c.written);
    CAPTURE(c.written);
    CHECK(factor.is_exact);
    CHECK(factor.digits == c.digits);
    CHECK(factor.decimals == c.decimals);
    CHECK(factor.value == doctest::Approx(std::stod(c.written)));
  }
}

TEST_CASE("dbc: what needs more than 15 decimals or 63 bits is not exact, but a double") {
  for (const char* written :
       {"1e-16", "0.1234567890123456", "1e19", "9223372036854775808", "2.93873587705571877E-39"}) {
    const Decimal factor = factor_of(written);
    CAPTURE(written);
    CHECK_FALSE(factor.is_exact);
    CHECK(factor.value == std::stod(written));
  }
}

TEST_CASE("dbc: a factor that is no finite number breaks only its signal") {
  for (const char* written : {"", "1e999", "nan", "inf", "0x10", "1.2.3", "--1", "1e", "1,5,0"}) {
    const Dbc dbc = parsed("BO_ 1 M: 8 N\n SG_ A : 0|8@1+ (" + std::string(written) +
                           ",0) [0|0] \"\" N\n SG_ B : 8|8@1+ (1,0) [0|0] \"\" N\n");
    CAPTURE(written);
    REQUIRE(dbc.messages[0].signals.size() == 1);
    CHECK(dbc.messages[0].signals[0].name == "B");
    CHECK(has_warning(dbc, 2, "SG_ skipped"));
  }
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("dbc: identifiers and frames");

TEST_CASE("dbc: bit 31 of the id marks 29 bits") {
  const Dbc dbc = clean("BO_ 2364540158 EEC1: 8 N\nBO_ 2147483649 Low: 8 N\nBO_ 2047 Standard: 8 N\n");
  CHECK(message_of(dbc, "EEC1").id == 0x0CF004FE);
  CHECK(message_of(dbc, "EEC1").is_extended);
  CHECK(message_of(dbc, "Low").id == 1);
  CHECK(message_of(dbc, "Low").is_extended);
  CHECK_FALSE(message_of(dbc, "Standard").is_extended);
}

TEST_CASE("dbc: an id above 2047 without bit 31 is read as extended with a warning") {
  const Dbc dbc = parsed("BO_ 2048 A: 8 N\nBO_ 1075054137 B: 8 N\nBO_ 4294967295 C: 8 N\n");
  CHECK(message_of(dbc, "A").is_extended);
  CHECK(message_of(dbc, "A").id == 2048);
  CHECK(message_of(dbc, "B").is_extended);
  CHECK(message_of(dbc, "B").id == 0x00140639);
  CHECK(message_of(dbc, "C").id == 0x1FFFFFFF);
  CHECK(has_warning(dbc, 1, "lacks bit 31"));
  CHECK(has_warning(dbc, 2, "lacks bit 31"));
  CHECK(has_warning(dbc, 3, "more than 29 bits"));
}

TEST_CASE("dbc: an id of more than 32 bits breaks the message with its signals, not the one before") {
  const Dbc dbc = parsed(kPlain + "BO_ 4294967296 Broken: 8 N\n SG_ X : 0|8@1+ (1,0) [0|0] \"\" N\n");
  REQUIRE(dbc.messages.size() == 1);
  CHECK(dbc.messages[0].signals.size() == 1);
  CHECK(dbc.warnings.size() == 1);
  CHECK(has_warning(dbc, 3, "message id"));
}

TEST_CASE("dbc: the message of independent signals is never a message, and references to it are no mistake") {
  const Dbc dbc = clean(
      "BO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 Vector__XXX\n"
      " SG_ Orphan : 0|8@1+ (1,0) [0|0] \"\" Vector__XXX\n\n" +
      kPlain +
      "CM_ SG_ 3221225472 Orphan \"text\";\nBA_DEF_ SG_ \"SPN\" INT 0 9;\nBA_ \"SPN\" SG_ 3221225472 Orphan "
      "3;\n"
      "VAL_ 3221225472 Orphan 0 \"zero\" ;\n");
  REQUIRE(dbc.messages.size() == 1);
  CHECK(dbc.messages[0].name == "Engine");
}

TEST_CASE("dbc: of two messages with one id the first is kept") {
  const Dbc dbc = parsed(
      "BO_ 5 A: 8 N\n SG_ X : 0|8@1+ (1,0) [0|0] \"\" N\nBO_ 5 B: 8 N\n"
      " SG_ Y : 0|8@1+ (1,0) [0|0] \"\" N\nBO_ 2147483653 C: 8 N\n");
  REQUIRE(dbc.messages.size() == 2);
  CHECK(dbc.messages[0].signals.size() == 1);
  CHECK(dbc.messages[1].name == "C");
  CHECK(has_warning(dbc, 3, "line 1"));
}

TEST_CASE("dbc: two messages with one name are both kept, with a warning") {
  const Dbc dbc = parsed("BO_ 5 A: 8 N\nBO_ 6 A: 8 N\n");
  CHECK(dbc.messages.size() == 2);
  CHECK(has_warning(dbc, 2, "line 1"));
}

TEST_CASE("dbc: of two signals with one name the first is kept, unless their selector values differ") {
  const Dbc dbc = parsed(
      "BO_ 5 A: 8 N\n SG_ X : 0|8@1+ (1,0) [0|0] \"\" N\n SG_ X : 8|8@1+ (1,0) [0|0] \"\" N\n"
      "BO_ 6 B: 8 N\n SG_ S M : 0|8@1+ (1,0) [0|0] \"\" N\n SG_ Y m0 : 8|8@1+ (1,0) [0|0] \"\" N\n"
      " SG_ Y m1 : 16|8@1+ (1,0) [0|0] \"\" N\n SG_ Y m1 : 24|8@1+ (1,0) [0|0] \"\" N\n"
      "VAL_ 6 Y 1 \"one\";\n");
  REQUIRE(dbc.messages[0].signals.size() == 1);
  CHECK(dbc.messages[0].signals[0].start_bit == 0);
  REQUIRE(dbc.messages[1].signals.size() == 3);
  CHECK(dbc.messages[1].signals[1].value_names.size() == 1);
  CHECK(dbc.messages[1].signals[2].value_names.size() == 1);
  CHECK(dbc.messages[1].signals[2].start_bit == 16);
  CHECK(has_warning(dbc, 3, "skipped"));
  CHECK(has_warning(dbc, 7, "both are kept"));
  CHECK(has_warning(dbc, 8, "skipped"));
}

TEST_CASE("dbc: VFrameFormat is resolved by the file's own enumeration") {
  const std::string messages = "BO_ 2364540158 Ext: 8 N\nBO_ 100 Std: 8 N\n";
  const std::string vector_list =
      "BA_DEF_ BO_ \"VFrameFormat\" ENUM \"StandardCAN\",\"ExtendedCAN\",\"reserved\",\"J1939PG\";\n";
  const std::string fd_list =
      "BA_DEF_ BO_ \"VFrameFormat\" ENUM "
      "\"StandardCAN\",\"ExtendedCAN\",\"StandardCAN_FD\",\"ExtendedCAN_FD\",\"J1939PG\";\n";
  const std::string use =
      "BA_DEF_DEF_ \"VFrameFormat\" \"StandardCAN\";\nBA_ \"VFrameFormat\" BO_ 2364540158 3;\n";
  const Dbc j1939 = clean(messages + vector_list + use);
  CHECK(message_of(j1939, "Ext").is_j1939);
  CHECK_FALSE(message_of(j1939, "Ext").is_fd);
  CHECK_FALSE(message_of(j1939, "Std").is_j1939);
  const Dbc fd = clean(messages + fd_list + use);
  CHECK_FALSE(message_of(fd, "Ext").is_j1939);
  CHECK(message_of(fd, "Ext").is_fd);
}

TEST_CASE("dbc: VFrameFormat is read by name, as a bare number, by default, and before its definition") {
  const std::string message = "BO_ 2364540160 Ext: 8 N\n";  // source address 0: no placeholder
  const std::string list =
      "BA_DEF_ BO_  \"VFrameFormat\" ENUM  \"StandardCAN\",\"ExtendedCAN\",\"reserved\",\"J1939PG\";\n";
  CHECK(clean(message + list + "BA_ \"VFrameFormat\" BO_ 2364540160 \"J1939PG\";\n").messages[0].is_j1939);
  CHECK(clean(message + "BA_DEF_ BO_ \"VFrameFormat\" INT 0 15;\nBA_ \"VFrameFormat\" BO_ 2364540160 3;\n")
            .messages[0]
            .is_j1939);
  CHECK(clean(message + "BA_DEF_ BO_ \"VFrameFormat\" INT 0 15;\nBA_ \"VFrameFormat\" BO_ 2364540160 15;\n")
            .messages[0]
            .is_fd);
  CHECK(clean(message + list + "BA_DEF_DEF_ \"VFrameFormat\" \"J1939PG\";\n").messages[0].is_j1939);
  CHECK(clean(message + "BA_ \"VFrameFormat\" BO_ 2364540160 3;\n" + list).messages[0].is_j1939);
  CHECK_FALSE(clean(message + list).messages[0].is_j1939);
}

TEST_CASE("dbc: a default of J1939PG leaves messages with 11-bit ids alone") {
  const Dbc dbc = clean(
      "BO_ 100 Std: 8 N\nBA_DEF_ BO_ \"VFrameFormat\" ENUM \"StandardCAN\",\"J1939PG\";\n"
      "BA_DEF_DEF_ \"VFrameFormat\" \"J1939PG\";\n");
  CHECK_FALSE(dbc.messages[0].is_j1939);
}

TEST_CASE("dbc: ProtocolType J1939 makes extended messages J1939 unless they say otherwise themselves") {
  const Dbc dbc = clean(
      "BO_ 2364540160 A: 8 N\nBO_ 2364540161 B: 8 N\nBO_ 100 C: 8 N\n"
      "BA_DEF_ \"ProtocolType\" STRING ;\nBA_DEF_ BO_ \"VFrameFormat\" ENUM "
      "\"StandardCAN\",\"ExtendedCAN\";\n"
      "BA_DEF_DEF_ \"ProtocolType\" \"\";\nBA_DEF_DEF_ \"VFrameFormat\" \"ExtendedCAN\";\n"
      "BA_ \"ProtocolType\" \"J1939\";\nBA_ \"VFrameFormat\" BO_ 2364540161 1;\n");
  CHECK(message_of(dbc, "A").is_j1939);
  CHECK_FALSE(message_of(dbc, "B").is_j1939);
  CHECK_FALSE(message_of(dbc, "C").is_j1939);
}

TEST_CASE("dbc: without VFrameFormat, placeholder source addresses in all extended ids mean J1939") {
  CHECK(clean("BO_ 2565341438 A: 8 N\nBO_ 2364540158 B: 8 N\nBO_ 5 C: 8 N\n").messages[0].is_j1939);
  CHECK(clean("BO_ 2364540159 A: 8 N\n").messages[0].is_j1939);
  CHECK_FALSE(clean("BO_ 2364540158 A: 8 N\nBO_ 2364540160 B: 8 N\n").messages[0].is_j1939);
  CHECK_FALSE(clean("BO_ 2364540158 A: 8 N\nBO_ 2364606207 B: 8 N\n").messages[0].is_j1939);  // 0xFE and 0xFF
  CHECK_FALSE(clean("BO_ 2684354558 ReservedBit: 8 N\nBO_ 2181038334 Bit25: 8 N\n").messages[0].is_j1939);
  CHECK_FALSE(clean("BO_ 254 Std: 8 N\n").messages[0].is_j1939);
  CHECK_FALSE(
      clean("BO_ 2364540158 A: 8 N\nBA_DEF_ BO_ \"VFrameFormat\" ENUM \"StandardCAN\",\"ExtendedCAN\";\n")
          .messages[0]
          .is_j1939);
}

TEST_CASE("dbc: CAN FD follows from the frame format, the bus type or a length that only FD has") {
  const Dbc plain =
      clean("BO_ 1 A: 64 N\nBO_ 2 B: 13 N\nBO_ 3 C: 65 N\nBO_ 4 D: 8 N\nBO_ 2364540158 E: 12 N\n");
  CHECK(message_of(plain, "A").is_fd);
  CHECK_FALSE(message_of(plain, "B").is_fd);
  CHECK_FALSE(message_of(plain, "C").is_fd);
  CHECK_FALSE(message_of(plain, "D").is_fd);
  CHECK_FALSE(message_of(plain, "E").is_fd);  // J1939: a transport message
  const Dbc fd_bus =
      clean("BO_ 2 B: 13 N\nBO_ 4 D: 8 N\nBA_DEF_ \"BusType\" STRING ;\nBA_ \"BusType\" \"CAN FD\";\n");
  CHECK(message_of(fd_bus, "B").is_fd);
  CHECK_FALSE(message_of(fd_bus, "D").is_fd);
}

TEST_CASE("dbc: a transport message longer than 64 bytes stays") {
  const Dbc dbc = clean("BO_ 2565734654 Long: 1785 N\n SG_ Last : 14272|8@1+ (1,0) [0|0] \"\" N\n");
  CHECK(dbc.messages[0].length == 1785);
  CHECK(dbc.messages[0].signals[0].start_bit == 14272);
}

TEST_SUITE_END();
