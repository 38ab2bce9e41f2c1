// How long an OpenMP thread spins at a barrier before it sleeps.
#pragma once

namespace embedserve {

// To be called first in main() of a program that runs the CPU engine: sets GOMP_SPINCOUNT and,
// since libgomp has read its environment by then, starts the program anew in the same process. Does
// nothing the second time, where GOMP_SPINCOUNT or OMP_WAIT_POLICY is set, or where the program
// cannot be started anew (no /proc).
//
// libgomp's default is milliseconds. On a core that it shares with other work, a thread then burns
// the time slice that the thread it waits for needs: with two compilers beside it on two cores, one
// sentence took 130 to 340 ms at the 99th percentile, and 15 to 28 ms with 1000 to 10000 spins;
// alone on the machine no figure moved beyond its spread (all-MiniLM-L6-v2, fp32).
void LimitOpenMpSpinning(char** argv);

}  // namespace embedserve
