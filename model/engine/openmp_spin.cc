#include "model/engine/openmp_spin.h"

#include <unistd.h>

#include <cstdlib>

namespace embedserve {

void LimitOpenMpSpinning(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  setenv("GOMP_SPINCOUNT", "5000", /*replace=*/0);
  execv("/proc/self/exe", argv);
}

}  // namespace embedserve
