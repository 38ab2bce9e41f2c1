// A program of its own: run without GOMP_SPINCOUNT it must come to its checks with the limit set.
// That libgomp saw it is the ctest openmp_spin_seen, which reads what libgomp prints of itself.
#include "model/engine/openmp_spin.h"

#include <omp.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char** argv) {
  const bool decided = argc > 1;  // by the environment, says the caller
  embedserve::LimitOpenMpSpinning(argv);
  const char* spins = std::getenv("GOMP_SPINCOUNT");
  const char* expected = decided ? argv[1] : "5000";
  std::printf("GOMP_SPINCOUNT %s, %d threads\n", spins == nullptr ? "unset" : spins,
              omp_get_max_threads());
  return std::strcmp(spins == nullptr ? "unset" : spins, expected) == 0 ? 0 : 1;
}
