#include "model/engine/matmul_plan.h"

#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "model/engine/simd.h"

namespace embedserve {
namespace {

using Type = dnnl::memory::data_type;

constexpr int kMostRows = 300;

std::vector<float> Random(int size, float deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> value(0, deviation);
  std::vector<float> values(static_cast<std::size_t>(size));
  for (float& each : values) each = value(random);
  return values;
}

std::unique_ptr<MatmulPlan> Make(const MatmulShape& shape, int threads) {
  auto plan = MatmulPlan::Create(dnnl::engine(dnnl::engine::kind::cpu, 0), shape, threads);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return *std::move(plan);
}

// A product of `shape` with random operands; x is kept in the type that the shape asks for.
struct Product {
  MatmulShape shape;
  std::vector<float> weight, bias, x;
  std::vector<Bf16> rounded;

  explicit Product(const MatmulShape& s)
      : shape(s),
        weight(Random(s.in * s.out, 1 / std::sqrt(static_cast<float>(s.in)), 1)),
        bias(Random(s.out, 0.5F, 2)),
        x(Random(kMostRows * s.in, 1, 3)) {
    for (const float value : x) rounded.push_back(ToBf16(value));
  }
  std::size_t RowBytes() const {
    return static_cast<std::size_t>(shape.out) * (shape.out_type == Type::bf16 ? 2 : 4);
  }
  // Rows [first, first + rows), after poison.
  std::vector<std::byte> Run(const MatmulPlan& plan, const PackedWeights& packed, Team team,
                             int first, int rows) const {
    const auto at = static_cast<std::size_t>(first * shape.in);
    const void* from =
        shape.in_type == Type::bf16 ? static_cast<const void*>(&rounded[at]) : &x[at];
    std::vector<std::byte> y(static_cast<std::size_t>(rows) * RowBytes(), std::byte{0xff});
    plan.Run(packed, team, 0, rows, from, y.data());
    return y;
  }
};

TEST(MatmulPlanTest, ComputesTheProductWithBias) {
  for (const auto& [in, out] : {std::pair(1, 1), {7, 5}, {30, 90}, {64, 128}, {100, 33}}) {
    const Product product({in, out});
    const auto plan = Make(product.shape, 2);
    const PackedWeights packed = plan->Pack(product.weight, product.bias);
    for (const int rows : {1, 2, 17, 64, 65, 200}) {
      for (const Team team : {Team::kOneThread, Team::kAllThreads}) {
        const std::vector<std::byte> bytes = product.Run(*plan, packed, team, 0, rows);
        std::vector<float> y(bytes.size() / sizeof(float));
        std::memcpy(y.data(), bytes.data(), bytes.size());
        for (int r = 0; r < rows; ++r) {
          for (int o = 0; o < out; ++o) {
            double want = product.bias[static_cast<std::size_t>(o)];
            for (int i = 0; i < in; ++i) {
              want += double{product.x[static_cast<std::size_t>(r * in + i)]} *
                      product.weight[static_cast<std::size_t>(o * in + i)];
            }
            ASSERT_NEAR(y[static_cast<std::size_t>(r * out + o)], want, 3e-6)
                << in << " to " << out << ", row " << r << " of " << rows;
          }
        }
      }
    }
  }
}

TEST(MatmulPlanTest, NoBiasMeansZero) {
  const auto plan = Make({4, 3}, 1);
  const PackedWeights packed = plan->Pack(Random(12, 1, 4), {});
  const std::vector<float> x(4, 0);
  std::vector<float> y(3, 7);
  plan->Run(packed, Team::kOneThread, 0, 1, x.data(), y.data());
  EXPECT_EQ(y, std::vector<float>(3, 0));
}

double Exact(Activation activation, double x) {
  switch (activation) {
    case Activation::kGeluErf:
      return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kQuickGelu:
      return x / (1 + std::exp(-1.702 * x));
    case Activation::kRelu:
      return x > 0 ? x : 0;
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kIdentity:
      return x;
  }
  return x;
}

// oneDNN's polynomials; the erf form must not be mistaken for the tanh form, 4.7e-4 away.
TEST(MatmulPlanTest, FusesEveryActivation) {
  for (const Activation activation :
       {Activation::kGeluErf, Activation::kGeluTanh, Activation::kQuickGelu, Activation::kRelu,
        Activation::kSilu, Activation::kTanh, Activation::kSigmoid, Activation::kIdentity}) {
    const auto plan = Make({1, 1, activation}, 1);
    const PackedWeights one = plan->Pack(std::vector<float>{1}, {});
    for (float x = -8; x < 8; x += 0.03125F) {
      float y = 99;
      plan->Run(one, Team::kOneThread, 0, 1, &x, &y);
      ASSERT_NEAR(y, Exact(activation, x), 1.5e-6) << Name(activation) << " at " << x;
    }
  }
}

// The ground of "same text, same bits": a row's result depends on the row alone.
class SameBitsTest : public testing::TestWithParam<std::tuple<int, int, bool, bool>> {};

TEST_P(SameBitsTest, ForEveryRowCountPlaceAndTeam) {
  const auto [in, out, bf16, gelu] = GetParam();
  if (bf16 && !__builtin_cpu_supports("avx512bf16")) GTEST_SKIP() << "this CPU has no avx512_bf16";
  const Type type = bf16 ? Type::bf16 : Type::f32;
  const Product product({in, out, gelu ? Activation::kGeluErf : Activation::kIdentity, type,
                         gelu ? type : Type::f32});
  const auto one = Make(product.shape, 1);
  const std::vector<std::byte> want =
      product.Run(*one, one->Pack(product.weight, product.bias), Team::kOneThread, 0, kMostRows);
  for (const int threads : {2, 5}) {
    const auto plan = Make(product.shape, threads);
    const PackedWeights packed = plan->Pack(product.weight, product.bias);
    const int step = threads == 2 ? 1 : 7;  // more threads than cores are slow
    for (int rows = 1; rows <= 200; rows += rows < 70 ? step : 13) {
      const int first = rows * 7 % (kMostRows - rows);
      for (const Team team : {Team::kOneThread, Team::kAllThreads}) {
        const std::vector<std::byte> got = product.Run(*plan, packed, team, first, rows);
        const auto at = static_cast<std::size_t>(first) * product.RowBytes();
        ASSERT_EQ(std::memcmp(got.data(), &want[at], got.size()), 0)
            << rows << " rows from " << first << (team == Team::kOneThread ? "" : ", all threads");
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, SameBitsTest,
    testing::Values(std::tuple(384, 1152, false, false), std::tuple(384, 1536, false, true),
                    std::tuple(1536, 384, false, false), std::tuple(30, 71, false, true),
                    std::tuple(384, 1536, true, true), std::tuple(1536, 384, true, false),
                    std::tuple(71, 30, true, false)),
    [](const auto& info) {
      return std::string(std::get<2>(info.param) ? "bf16" : "fp32") + "From" +
             std::to_string(std::get<0>(info.param)) + "To" +
             std::to_string(std::get<1>(info.param)) + (std::get<3>(info.param) ? "Gelu" : "");
    });

}  // namespace
}  // namespace embedserve
