// What ends the life of a device for this process, for tests of the fault path. Nothing of the
// product links it.
#pragma once

namespace embedserve {

enum class DeviceCrime {
  kTrap,       // a kernel traps, as a failed assertion does
  kWildWrite,  // a kernel writes where no memory is
  kHang,       // a kernel takes every multiprocessor and never ends
};

// Launches such a kernel on device `ordinal`, beside whatever runs there, and does not wait: the
// device fails about `delay_us` microseconds later (kHang: at once). CUDA's current device of this
// thread is then `ordinal`.
void KillDevice(int ordinal, DeviceCrime crime, int delay_us);

}  // namespace embedserve
