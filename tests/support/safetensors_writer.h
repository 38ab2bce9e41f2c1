// Writes .safetensors files for tests, well-formed or (from a header by hand) not.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace embedserve {

// Values are written as `dtype`: F32, F16 or BF16, and must be exact in it. Other dtypes write
// `values` as single bytes: the shape must then fit by bytes.
struct TestTensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
  std::string dtype = "F32";
};
using TestTensors = std::map<std::string, TestTensor>;

// The file's bytes; tensors lie in order of name.
std::string SafetensorsFile(const TestTensors& tensors);
// Length, header as given, data as given: for files that lie.
std::string SafetensorsFile(std::string_view header, std::string_view data);

// Multiples of 1/64 in [-1, 1]: exact in F16 and BF16. The same for the same seed.
TestTensor RandomTensor(std::vector<int64_t> shape, uint32_t seed);

}  // namespace embedserve
