// Matrices of a test: fresh random values on the device, read back as double; and the comparison
// with a double-precision reference, element by element, within a bound that the test derives.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

// Half the distance of 1 to the next number of the type: the relative error of one rounding.
inline double Roundoff(DType type) {
  return type == DType::kFp32 ? 0x1p-24 : type == DType::kFp16 ? 0x1p-11 : 0x1p-8;
}
inline constexpr double kFp32Roundoff = 0x1p-24;
// Absolute error of rounding among the smallest numbers of fp16, which has the shortest range.
inline constexpr double kTiny = 0x1p-24;

inline std::string Name(DType type) {
  return type == DType::kFp32 ? "fp32" : type == DType::kFp16 ? "fp16" : "bf16";
}

// Random engine whose seed is new in each run and stands in the output of a failing test.
class Random {
 public:
  explicit Random(uint32_t seed = std::random_device{}())
      : trace_(__FILE__, __LINE__, "random seed " + std::to_string(seed)), engine_(seed) {}
  std::vector<float> Values(std::size_t count, float low = -1.0f, float high = 1.0f) {
    std::uniform_real_distribution<float> distribution(low, high);
    std::vector<float> values(count);
    for (float& value : values) value = distribution(engine_);
    return values;
  }
  int Int(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  std::mt19937& engine() { return engine_; }

 private:
  ::testing::ScopedTrace trace_;
  std::mt19937 engine_;
};

// The values again and again, `count` in all.
template <class T>
std::vector<T> Cycled(const std::vector<T>& values, std::size_t count) {
  std::vector<T> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = values[i % values.size()];
  return out;
}

class DeviceMatrix {
 public:
  // `values` are rounded to the type.
  DeviceMatrix(Stream& stream, DType type, int rows, int columns, const std::vector<float>& values)
      : DeviceMatrix(stream, type, rows, columns) {
    std::vector<std::byte> bytes(tensor_.bytes());
    for (std::size_t i = 0; i < values.size(); ++i) Write(bytes, i, values[i]);
    Upload(bytes);
  }
  // All NaN: what a kernel leaves unwritten cannot look right.
  static DeviceMatrix Poisoned(Stream& stream, DType type, int rows, int columns) {
    DeviceMatrix matrix(stream, type, rows, columns);
    matrix.Upload(std::vector<std::byte>(matrix.tensor_.bytes(), std::byte{0xff}));
    return matrix;
  }

  Tensor tensor() const { return tensor_; }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(tensor_.data);
  }
  std::vector<std::byte> Bytes() const {
    std::vector<std::byte> bytes(tensor_.bytes());
    stream_->CopyToHost(bytes.data(), tensor_.data, bytes.size());
    stream_->Synchronize();
    EXPECT_EQ(stream_->error(), "");
    return bytes;
  }
  std::vector<double> Values() const {
    const std::vector<std::byte> bytes = Bytes();
    std::vector<double> values(tensor_.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = Read(bytes, i);
    return values;
  }

 private:
  DeviceMatrix(Stream& stream, DType type, int rows, int columns)
      : stream_(&stream), tensor_{nullptr, type, rows, columns} {
    buffer_ = DeviceBuffer(stream, tensor_.bytes());
    tensor_.data = buffer_.data();
  }
  void Upload(const std::vector<std::byte>& bytes) {
    stream_->CopyToDevice(tensor_.data, bytes.data(), bytes.size());
    stream_->Synchronize();
    ASSERT_EQ(stream_->error(), "");
  }
  template <class T>
  static void Put(std::vector<std::byte>& bytes, std::size_t i, T value) {
    std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
  }
  template <class T>
  static T Get(const std::vector<std::byte>& bytes, std::size_t i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    return value;
  }
  void Write(std::vector<std::byte>& bytes, std::size_t i, float value) const {
    if (tensor_.type == DType::kFp32) Put(bytes, i, value);
    if (tensor_.type == DType::kFp16) Put(bytes, i, __float2half_rn(value));
    if (tensor_.type == DType::kBf16) Put(bytes, i, __float2bfloat16_rn(value));
  }
  double Read(const std::vector<std::byte>& bytes, std::size_t i) const {
    if (tensor_.type == DType::kFp16) return __half2float(Get<__half>(bytes, i));
    if (tensor_.type == DType::kBf16) return __bfloat162float(Get<__nv_bfloat16>(bytes, i));
    return Get<float>(bytes, i);
  }

  Stream* stream_;
  Tensor tensor_;
  DeviceBuffer buffer_;
};

// Integers on the device.
class DeviceInts {
 public:
  DeviceInts(Stream& stream, const std::vector<int32_t>& values)
      : buffer_(stream, std::max<std::size_t>(1, values.size()) * sizeof(int32_t)) {
    stream.CopyToDevice(buffer_.data(), values.data(), values.size() * sizeof(int32_t));
    stream.Synchronize();
  }
  const int32_t* data() const { return reinterpret_cast<const int32_t*>(buffer_.data()); }

 private:
  DeviceBuffer buffer_;
};

// |actual - expected| <= bound for every element; NaN never passes.
inline ::testing::AssertionResult AllNear(const std::vector<double>& actual,
                                          const std::vector<double>& expected,
                                          const std::vector<double>& bound, int columns) {
  if (actual.size() != expected.size()) {
    return ::testing::AssertionFailure() << actual.size() << " values, not " << expected.size();
  }
  std::size_t wrong = 0, first = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (!(std::abs(actual[i] - expected[i]) <= bound[i]) && wrong++ == 0) first = i;
  }
  if (wrong == 0) return ::testing::AssertionSuccess();
  const auto width = static_cast<std::size_t>(columns);
  return ::testing::AssertionFailure()
         << wrong << " of " << actual.size() << " values off; first at row " << first / width
         << ", column " << first % width << ": " << actual[first] << ", expected "
         << expected[first] << " within " << bound[first];
}

}  // namespace embedserve::kernels
