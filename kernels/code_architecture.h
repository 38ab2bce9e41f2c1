// For which architecture the code that a device runs was compiled: not always the device's own. A
// binary without code for a card that came after it has PTX, which the driver translates; what that
// PTX leaves out, the translation lacks too.
#pragma once

namespace embedserve::kernels {

// 10 * major + minor, for the thread's current device: 90 on an H100 where sm_90a is built in, 80
// where it runs the PTX of compute_80, 0 where this binary holds no code for the device.
int CodeArchitecture();

// The same for one kernel, which may be compiled for other architectures than the rest.
int CodeArchitecture(const void* kernel);

}  // namespace embedserve::kernels
