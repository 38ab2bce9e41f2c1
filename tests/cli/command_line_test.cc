#include "cli/command_line.h"

#include "cli/exit_code.h"
#include "cli/option_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/read_command_line.h"

namespace embedserve {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CommandLine, DefaultsComeFromTheTable) {
  const Options options = Accepted({"serve"});
  EXPECT_EQ(options.command, Command::kServe);
  EXPECT_EQ(options.serve.listen, "127.0.0.1:50051");
  EXPECT_EQ(options.device, "auto");
  EXPECT_FALSE(options.dtype.has_value());
  EXPECT_FALSE(options.insecure);
}

TEST(CommandLine, DefaultsOfServeAreTheServersOwn) {
  const ServerOptions read = Accepted({"serve"}).serve;
  const ServerOptions own;
  EXPECT_EQ(read.listen, own.listen);
  EXPECT_EQ(read.max_texts, own.max_texts);
  EXPECT_EQ(read.max_request_bytes, own.max_request_bytes);
  EXPECT_EQ(read.max_reply_bytes, own.max_reply_bytes);
  EXPECT_EQ(read.max_queue_tokens, own.max_queue_tokens);
  EXPECT_EQ(read.max_in_flight_bytes, own.max_in_flight_bytes);
  EXPECT_EQ(read.overlong_texts, own.overlong_texts);
  EXPECT_EQ(read.reflection, own.reflection);
  EXPECT_EQ(read.io_threads, own.io_threads);
  EXPECT_EQ(read.tokenizer_threads, own.tokenizer_threads);
  EXPECT_EQ(read.default_deadline, own.default_deadline);
  EXPECT_EQ(read.drain_delay, own.drain_delay);
  EXPECT_EQ(read.drain_timeout, own.drain_timeout);
}

TEST(CommandLine, HowLongAGpuMayTake) {
  EXPECT_EQ(Accepted({"serve"}).hang_timeout, std::chrono::seconds(10));
  EXPECT_EQ(Accepted({"encode"}).hang_timeout, std::chrono::seconds(0));  // somebody is there
  EXPECT_EQ(Accepted({"serve", "--hang-timeout=0"}).hang_timeout, std::chrono::seconds(0));
  EXPECT_EQ(Accepted({"serve", "--hang-timeout=250ms"}).hang_timeout,
            std::chrono::milliseconds(250));
}

TEST(CommandLine, SizesAndTimesOfServe) {
  const ServerOptions read = Accepted({"serve", "--max-request-bytes=64KiB", "--drain-delay=250ms",
                                       "--reflection=false", "--overlong-texts=error"})
                                 .serve;
  EXPECT_EQ(read.max_request_bytes, 65536U);
  EXPECT_EQ(read.drain_delay, std::chrono::milliseconds(250));
  EXPECT_FALSE(read.reflection);
  EXPECT_EQ(read.overlong_texts, OverlongTexts::kRefuse);
}

TEST(CommandLine, FlagsOfAllKinds) {
  const Options options = Accepted({"encode", "--model", "folder", "--normalize=false",
                                    "--dimensions", "64", "--output-type", "bfloat16",
                                    "--input-format", "jsonl", "--dtype=bf16", "--prompt="});
  EXPECT_EQ(options.model, "folder");
  EXPECT_EQ(options.normalize, false);
  EXPECT_EQ(options.dimensions, 64);
  EXPECT_EQ(options.output_type, OutputType::kBFloat16);
  EXPECT_EQ(options.input_format, InputFormat::kJsonl);
  EXPECT_EQ(options.dtype, ComputeType::kBf16);
  EXPECT_EQ(options.prompt, "");
  EXPECT_FALSE(options.prompt_name.has_value());
}

TEST(CommandLine, TextsOfSimilarityAreTakenAsTheyAre) {
  EXPECT_THAT(Accepted({"similarity", "--model=m", "[a, b]", "{\"c\": 1}"}).texts,
              ElementsAre("[a, b]", "{\"c\": 1}"));
  EXPECT_THAT(Accepted({"similarity", "--model=m", "--", "-5 degrees", ""}).texts,
              ElementsAre("-5 degrees", ""));
}

TEST(CommandLine, SwitchesTakeAValueToo) {
  EXPECT_TRUE(Accepted({"eval", "--json"}).json);
  EXPECT_FALSE(Accepted({"eval", "--json=false"}).json);
  EXPECT_THAT(Refused({"eval", "--json=maybe"}),
              AllOf(HasSubstr("--json is \"maybe\""), HasSubstr("true, false")));
}

TEST(CommandLine, ListsOfFunctions) {
  EXPECT_THAT(Accepted({"eval", "--function", "dot,cosine,dot"}).functions,
              ElementsAre(SimilarityFunction::kDot, SimilarityFunction::kCosine));
  EXPECT_EQ(Accepted({"eval", "--function=all"}).functions.size(), 4U);
  for (const std::string bad : {"dot,", ",", "hamming", "dot cosine"}) {
    EXPECT_THAT(Refused({"eval", "--function", bad}), HasSubstr("cosine, dot")) << bad;
  }
}

TEST(CommandLine, ABadValueNamesTheOptionAndWhatIsAllowed) {
  EXPECT_EQ(Refused({"serve", "--dtype", "fp17"}),
            "--dtype is \"fp17\"; allowed: auto, fp32, fp16, bf16");
  EXPECT_EQ(Refused({"serve", "--threads", "-1"}),
            "--threads is \"-1\"; allowed: an integer from 0 to 4096");
  EXPECT_THAT(Refused({"serve", "--threads", "two"}), HasSubstr("--threads is \"two\""));
  EXPECT_THAT(Refused({"bench", "--seconds", "5 weeks"}), HasSubstr("--seconds"));
}

TEST(CommandLine, SyntaxErrorsPointToTheHelp) {
  EXPECT_THAT(Refused({}), HasSubstr("embedserve --help"));
  EXPECT_EQ(Refused({"sreve", "--model", "m"}), "no command \"sreve\"; see `embedserve --help`");
  EXPECT_EQ(Refused({"--model", "m", "serve"}),
            "\"--model\" stands before the command, options after it; see `embedserve --help`");
  EXPECT_EQ(Refused({"serve", "--prot", "1"}),
            "serve does not take \"--prot\"; see `embedserve serve --help`");
  EXPECT_THAT(Refused({"serve", "--no-such-option"}),
              AllOf(HasSubstr("--no-such-option"), HasSubstr("embedserve serve --help")));
  EXPECT_THAT(Refused({"serve", "--threads"}), HasSubstr("--threads"));
  EXPECT_THAT(Refused({"serve", "--threads", "1", "--threads", "2"}), HasSubstr("--threads"));
  EXPECT_THAT(Refused({"similarity", "a", "b", "c"}), HasSubstr("similarity --help"));
  EXPECT_THAT(Refused({"encode", "--listen", "x"}), HasSubstr("--listen"))
      << "an option of another command";
}

TEST(CommandLine, HelpListsEveryOptionOfTheCommand) {
  for (const Command command : kAllCommands) {
    const auto line = Read({std::string(Name(command)), "--help"});
    ASSERT_TRUE(line.ok());
    for (const OptionRow& row : OptionTable()) {
      const std::string flag = "--" + std::string(row.name) + " ";
      if (row.commands.Has(command)) {
        EXPECT_THAT(line->print, HasSubstr(flag)) << Name(command);
      }
    }
  }
}

TEST(CommandLine, HelpAndVersionOfTheWhole) {
  const auto help = Read({"--help"});
  ASSERT_TRUE(help.ok());
  for (const Command command : kAllCommands) {
    EXPECT_THAT(help->print, HasSubstr(std::string(Summary(command))));
  }
  const auto version = Read({"--version"});
  ASSERT_TRUE(version.ok());
  EXPECT_THAT(version->print, ::testing::MatchesRegex("embedserve [0-9.]+\n"));
}

TEST(CommandLine, EveryOptionIsAVariable) {
  for (const OptionRow& row : OptionTable()) {
    if (row.value.allowed.empty()) continue;
    for (const Command command : kAllCommands) {
      if (!row.commands.Has(command)) continue;
      const std::string name = VariableName(row.name);
      EXPECT_THAT(Refused({std::string(Name(command))}, {{name, "no such value"}}),
                  HasSubstr(name + " is \"no such value\"; allowed: "));
    }
  }
}

TEST(CommandLine, AnEmptyVariableCountsAsUnset) {
  EXPECT_EQ(Accepted({"serve"}, {{"EMBEDSERVE_THREADS", ""}}).threads, 0);
}

TEST(CommandLine, UnknownVariablesOnlyWarn) {
  const auto line = Read({"serve"}, {{"EMBEDSERVE_PORT", "tcp://10.0.0.1:50051"},
                                     {"EMBEDSERVE_LISTEN", "127.0.0.1:0"}});
  ASSERT_TRUE(line.ok());
  EXPECT_THAT(line->warnings, ElementsAre(HasSubstr("EMBEDSERVE_PORT")));
  EXPECT_EQ(line->options.serve.listen, "127.0.0.1:0");
}

}  // namespace
}  // namespace embedserve
