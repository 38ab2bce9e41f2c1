// Finished embeddings, in the form in which they go over the wire and into files.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "model/output.h"

namespace embedserve {

struct Rows {
  std::string bytes;  // row-major, little-endian: (count, dimensions) of `type`
  int count = 0;
  int dimensions = 0;
  OutputType type = OutputType::kFloat32;
};

// The values as fp32, exact for every float type. `rows.type` must be one of them.
std::vector<float> ToFloat(const Rows& rows);

// One JSON array a line, the shortest decimals that give the same fp32 back.
std::string JsonLines(const Rows& rows);

}  // namespace embedserve
