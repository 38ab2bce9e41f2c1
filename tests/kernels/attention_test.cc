#include "kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/kernels/device_matrix.h"
#include "tests/kernels/require_device.h"

namespace embedserve::kernels {
namespace {

// A batch's plan on the device.
class DeviceWork {
 public:
  DeviceWork(Stream& stream, const std::vector<int>& lengths) {
    for (const int length : lengths) offsets.push_back(offsets.back() + length);
    AttentionPlan plan;
    plan.Build(offsets);
    short_ = Upload(stream, plan.short_items);
    medium_ = Upload(stream, plan.medium_items);
    long_ = Upload(stream, plan.long_items);
    work = {reinterpret_cast<const AttentionItem*>(short_.data()),
            static_cast<int>(plan.short_items.size()),
            reinterpret_cast<const AttentionItem*>(medium_.data()),
            static_cast<int>(plan.medium_items.size()),
            reinterpret_cast<const AttentionItem*>(long_.data()),
            static_cast<int>(plan.long_items.size())};
  }
  int tokens() const { return offsets.back(); }

  std::vector<int32_t> offsets{0};
  AttentionWork work;

 private:
  static DeviceBuffer Upload(Stream& stream, const std::vector<AttentionItem>& items) {
    DeviceBuffer buffer(stream, items.size() * sizeof(AttentionItem));
    stream.CopyToDevice(buffer.data(), items.data(), buffer.size());
    stream.Synchronize();
    return buffer;
  }
  DeviceBuffer short_, medium_, long_;
};

struct Expected {
  std::vector<double> values, bound;
};

// One query row against the keys and values [first, last) of one head.
//
// Bound: a score, a sum of D products, is off by (D + 4) u sum|q k| / sqrt D =: s in fp32, which
// moves each weight by that factor; so do the instruction 2^x (2 ulp, and |argument| u) and the sum
// of L weights. The tensor-core kernels round the weights to the type before the product with the
// values. With p the exact weights: |error| <= sum p|v| (2 s + (L + 16 + |argument|) u + r) +
// r|out|, r the type's roundoff. |argument| is at most twice the largest |score|.
void AddExpected(const std::vector<double>& q, std::size_t q_at, const std::vector<double>& kv,
                 std::size_t k_at, std::size_t v_at, std::size_t stride, int length, int head_size,
                 DType type, Expected& out) {
  const auto d = static_cast<std::size_t>(head_size);
  std::vector<double> scores;
  double most = -INFINITY, most_absolute = 0;
  for (std::size_t j = 0; j < static_cast<std::size_t>(length); ++j) {
    double score = 0, absolute = 0;
    for (std::size_t i = 0; i < d; ++i) {
      score += q[q_at + i] * kv[k_at + j * stride + i];
      absolute += std::abs(q[q_at + i] * kv[k_at + j * stride + i]);
    }
    scores.push_back(score / std::sqrt(head_size));
    most = std::max(most, scores.back());
    most_absolute = std::max(most_absolute, absolute / std::sqrt(head_size));
  }
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - most);
  const double r = Roundoff(type);
  const double weight_error =
      kFp32Roundoff * (2 * (head_size + 4) * most_absolute + length + 16 + 2 * most_absolute) + r;
  for (std::size_t i = 0; i < d; ++i) {
    double value = 0, absolute = 0;
    for (std::size_t j = 0; j < scores.size(); ++j) {
      value += scores[j] / sum * kv[v_at + j * stride + i];
      absolute += scores[j] / sum * std::abs(kv[v_at + j * stride + i]);
    }
    out.values.push_back(value);
    out.bound.push_back(absolute * weight_error + r * std::abs(value) + kTiny);
  }
}

void Check(Stream& stream, DType type, int heads, int head_size, const std::vector<int>& lengths) {
  SCOPED_TRACE(Name(type) + ", " + std::to_string(heads) + " heads of " +
               std::to_string(head_size));
  Random random;
  const DeviceWork batch(stream, lengths);
  const int hidden = heads * head_size;
  const auto width = static_cast<std::size_t>(hidden), stride = 3 * width;
  const auto tokens = static_cast<std::size_t>(batch.tokens());
  const DeviceMatrix qkv(stream, type, batch.tokens(), 3 * hidden,
                         random.Values(tokens * stride, -2, 2));
  const DeviceMatrix out = DeviceMatrix::Poisoned(stream, type, batch.tokens(), hidden);
  Attention(stream, qkv.tensor(), heads, batch.work, out.tensor());

  const std::vector<double> values = qkv.Values();
  Expected expected;
  for (std::size_t b = 0; b < lengths.size(); ++b) {
    const auto first = static_cast<std::size_t>(batch.offsets[b]) * stride;
    for (std::size_t t = 0; t < static_cast<std::size_t>(lengths[b]); ++t) {
      for (std::size_t column = 0; column < width; column += static_cast<std::size_t>(head_size)) {
        AddExpected(values, first + t * stride + column, values, first + width + column,
                    first + 2 * width + column, stride, lengths[b], head_size, type, expected);
      }
    }
  }
  EXPECT_TRUE(AllNear(out.Values(), expected.values, expected.bound, hidden));
}

enum class Query { kRowASequence, kRowAToken };

void CheckOneQuery(Stream& stream, DType type, int heads, int head_size,
                   const std::vector<int>& lengths, Query from) {
  SCOPED_TRACE(Name(type) + ", one query, " + std::to_string(heads) + " heads of " +
               std::to_string(head_size));
  Random random;
  const DeviceWork batch(stream, lengths);
  const auto sequences = static_cast<int>(lengths.size());
  const bool a_token = from == Query::kRowAToken;
  const int hidden = heads * head_size;
  const auto width = static_cast<std::size_t>(hidden), stride = (a_token ? 3 : 2) * width;
  const DeviceMatrix rows(stream, type, batch.tokens(), static_cast<int>(stride),
                          random.Values(static_cast<std::size_t>(batch.tokens()) * stride, -2, 2));
  const DeviceMatrix queries(stream, type, sequences, hidden,
                             random.Values(lengths.size() * width, -2, 2));
  std::vector<int32_t> chosen;
  for (const int length : lengths) chosen.push_back(random.Int(0, length - 1));
  const DeviceInts offsets(stream, batch.offsets), starts(stream, chosen);
  const DeviceMatrix out = DeviceMatrix::Poisoned(stream, type, sequences, hidden);
  if (a_token) {
    AttentionOfOneQuery(stream, rows.tensor(),
                        {{offsets.data(), starts.data(), sequences}, PoolKind::kFirst},
                        rows.tensor(), heads, batch.work, out.tensor());
  } else {
    AttentionOfOneQuery(stream, queries.tensor(), {}, rows.tensor(), heads, batch.work,
                        out.tensor());
  }

  const std::vector<double> q = (a_token ? rows : queries).Values(), values = rows.Values();
  const std::size_t keys = a_token ? width : 0;
  Expected expected;
  for (std::size_t b = 0; b < lengths.size(); ++b) {
    const auto first = static_cast<std::size_t>(batch.offsets[b]) * stride + keys;
    const std::size_t query =
        a_token ? static_cast<std::size_t>(batch.offsets[b] + chosen[b]) * stride : b * width;
    for (std::size_t column = 0; column < width; column += static_cast<std::size_t>(head_size)) {
      AddExpected(q, query + column, values, first + column, first + width + column, stride,
                  lengths[b], head_size, type, expected);
    }
  }
  EXPECT_TRUE(AllNear(out.Values(), expected.values, expected.bound, hidden));
}

const std::vector<int> kLengths = {1,  2,  15, 16, 17, 31,  32,  33,  48,
                                   63, 64, 65, 96, 97, 127, 128, 129, 200};

TEST(AttentionTest, MatchesTheReferenceAtEveryLength) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const DType type : kAllDTypes) {
    Check(stream, type, 3, 64, kLengths);
    Check(stream, type, 2, 32, kLengths);
    Check(stream, type, 12, 64, {27, 1, 32, 5});
    Check(stream, type, 1, 64, {511, 512, 3});
    Check(stream, type, 2, 128, {1, 31, 33, 130});
  }
}

TEST(AttentionTest, HeadsOfAnySize) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const DType type : kAllDTypes) {
    for (const int head_size : {8, 16, 24, 40, 48, 96, 136, 256}) {
      Check(stream, type, 3, head_size, {1, 17, 32, 33, 70});
    }
  }
  Check(stream, DType::kFp32, 3, 5, {1, 17, 32, 33, 70});
}

TEST(AttentionTest, OneQueryASequence) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const DType type : kAllDTypes) {
    for (const Query from : {Query::kRowASequence, Query::kRowAToken}) {
      CheckOneQuery(stream, type, 12, 64, kLengths, from);
      CheckOneQuery(stream, type, 3, 32, kLengths, from);
      CheckOneQuery(stream, type, 3, 40, {1, 32, 33, 300}, from);
    }
  }
}

// The same rows as a batch of their own and among others, in any order; the others hold NaN, which
// would show in any row that looked at them.
TEST(AttentionTest, ASequenceSeesItselfAlone) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  constexpr int kHeads = 3, kHidden = kHeads * 64;
  constexpr std::size_t kRow = 3 * kHidden;
  for (const DType type : kAllDTypes) {
    for (const int length : {1, 16, 27, 32, 33, 64, 100, 257}) {
      SCOPED_TRACE(Name(type) + " length " + std::to_string(length));
      Random random;
      const auto count = static_cast<std::size_t>(length) * kRow;
      const std::vector<float> rows = random.Values(count, -2, 2);
      const DeviceWork alone(stream, {length});
      const DeviceMatrix qkv(stream, type, length, 3 * kHidden, rows);
      const DeviceMatrix expected = DeviceMatrix::Poisoned(stream, type, length, kHidden);
      Attention(stream, qkv.tensor(), kHeads, alone.work, expected.tensor());

      const std::vector<int> neighbours = {random.Int(1, 70), random.Int(1, 70)};
      const DeviceWork among(stream, {neighbours[0], length, neighbours[1]});
      std::vector<float> all(static_cast<std::size_t>(among.tokens()) * kRow, std::nanf(""));
      std::copy(rows.begin(), rows.end(),
                all.begin() + static_cast<std::ptrdiff_t>(neighbours[0] * static_cast<int>(kRow)));
      const DeviceMatrix more(stream, type, among.tokens(), 3 * kHidden, all);
      const DeviceMatrix out = DeviceMatrix::Poisoned(stream, type, among.tokens(), kHidden);
      Attention(stream, more.tensor(), kHeads, among.work, out.tensor());
      const std::vector<std::byte> bytes = out.Bytes();
      const auto first = static_cast<std::ptrdiff_t>(out.tensor().Rows(0, neighbours[0]).bytes());
      const auto size = static_cast<std::ptrdiff_t>(expected.tensor().bytes());
      EXPECT_EQ(std::vector<std::byte>(bytes.begin() + first, bytes.begin() + first + size),
                expected.Bytes());
    }
  }
}

// How many warps share a sequence and head depends on how many of them there are.
TEST(AttentionTest, ASequenceHasTheSameBitsInALargeBatch) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  constexpr int kHeads = 12;
  const std::vector<int> few = {1, 16, 27, 32, 33, 48, 63, 64};
  const auto repeats = static_cast<std::size_t>(stream.multiprocessors() * 32 / (8 * kHeads) + 1);
  const DeviceWork small(stream, few), large(stream, Cycled(few, repeats * few.size()));
  for (const DType type : {DType::kFp16, DType::kBf16}) {
    for (const int head_size : {32, 64}) {
      SCOPED_TRACE(Name(type) + " " + std::to_string(head_size));
      Random random;
      const int hidden = kHeads * head_size;
      const std::vector<float> rows =
          random.Values(static_cast<std::size_t>(small.tokens() * 3 * hidden), -2, 2);
      const auto attend = [&](const DeviceWork& batch, const std::vector<float>& values) {
        const DeviceMatrix qkv(stream, type, batch.tokens(), 3 * hidden, values);
        const DeviceMatrix out = DeviceMatrix::Poisoned(stream, type, batch.tokens(), hidden);
        Attention(stream, qkv.tensor(), kHeads, batch.work, out.tensor());
        return out.Bytes();
      };
      const std::vector<std::byte> expected = attend(small, rows);
      EXPECT_TRUE(attend(large, Cycled(rows, repeats * rows.size())) ==
                  Cycled(expected, repeats * expected.size()));
    }
  }
}

// The one query's row of the whole, however the query comes and however many sequences there are.
TEST(AttentionTest, OneQueryHasTheBitsOfTheWhole) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  constexpr int kHeads = 12, kHidden = kHeads * 64;
  for (const DType type : kAllDTypes) {
    for (const std::size_t count : {std::size_t{9}, std::size_t{450}}) {
      SCOPED_TRACE(Name(type) + ", sequences: " + std::to_string(count));
      Random random;
      const std::vector<int> lengths =
          Cycled(std::vector<int>{27, 1, 16, 17, 32, 33, 48, 64, 100}, count);
      const DeviceWork batch(stream, lengths);
      const int sequences = static_cast<int>(count);
      const DeviceMatrix qkv(
          stream, type, batch.tokens(), 3 * kHidden,
          random.Values(static_cast<std::size_t>(batch.tokens()) * 3 * kHidden, -2, 2));
      const DeviceInts offsets(stream, batch.offsets);
      const PooledRows last{{offsets.data(), offsets.data(), sequences}, PoolKind::kLast};
      const DeviceMatrix all = DeviceMatrix::Poisoned(stream, type, batch.tokens(), kHidden);
      Attention(stream, qkv.tensor(), kHeads, batch.work, all.tensor());
      const DeviceMatrix expected = DeviceMatrix::Poisoned(stream, type, sequences, kHidden);
      GatherRows(stream, all.tensor(), last, expected.tensor());
      const DeviceMatrix out = DeviceMatrix::Poisoned(stream, type, sequences, kHidden);
      AttentionOfOneQuery(stream, qkv.tensor(), last, qkv.tensor(), kHeads, batch.work,
                          out.tensor());
      EXPECT_TRUE(out.Bytes() == expected.Bytes());
    }
  }
}

// Scores of some hundreds: without the maximum the exponentials would overflow.
TEST(AttentionTest, LargeScoresPickTheLargest) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  for (const DType type : kAllDTypes) {
    for (const int length : {5, 32, 40, 150}) {
      const DeviceWork batch(stream, {length});
      std::vector<float> values(static_cast<std::size_t>(length) * 3 * 64, 0.0f);
      const int chosen = length - 2;
      for (int t = 0; t < length; ++t) {
        float* const row = values.data() + t * 3 * 64;
        row[0] = 40.0f;                          // query
        row[64] = t == chosen ? 40.0f : -40.0f;  // key
        row[128] = static_cast<float>(t);        // value
      }
      const DeviceMatrix qkv(stream, type, length, 3 * 64, values);
      const DeviceMatrix out = DeviceMatrix::Poisoned(stream, type, length, 64);
      Attention(stream, qkv.tensor(), 1, batch.work, out.tensor());
      const std::vector<double> rows = out.Values();
      for (int t = 0; t < length; ++t) {
        EXPECT_EQ(rows[static_cast<std::size_t>(t) * 64], chosen) << Name(type) << " " << length;
      }
    }
  }
}

TEST(AttentionTest, RefusesAHeadItCannotHold) {
  EMBEDSERVE_NEED_DEVICE();
  Stream stream(0);
  const Tensor qkv{nullptr, DType::kFp32, 1, 3 * 257}, out{nullptr, DType::kFp32, 1, 257};
  Attention(stream, qkv, 1, {}, out);
  EXPECT_EQ(stream.error(), "attention: head size 257; at most 256 is supported");
}

}  // namespace
}  // namespace embedserve::kernels
