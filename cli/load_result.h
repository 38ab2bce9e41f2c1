// What a load run adds up to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace embedserve {

struct LoadResult {
  double seconds = 0;  // from the first measured request's start to the last one's end
  int64_t texts = 0;
  int64_t tokens = 0;
  std::vector<double> latencies;  // seconds since a request was due, of those that succeeded
  std::map<std::string, int64_t> errors;  // by status code: "UNAVAILABLE"

  void Add(const LoadResult& other);  // of another thread over the same time
};

// The smallest of `sorted` that at least `share` of them do not exceed; 0 if there are none.
double Percentile(const std::vector<double>& sorted, double share);

// Sorts the latencies.
std::string LoadTable(LoadResult& result);
std::string LoadJson(LoadResult& result);

}  // namespace embedserve
