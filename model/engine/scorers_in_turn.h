// Scorers of several devices as one.
#pragma once

#include <memory>
#include <vector>

#include "model/engine/scorer.h"

namespace embedserve {

// Gives each call to the next of `scorers`, and from a device that is lost (DATA_LOSS) to the one
// after it. Null entries are left out: null if nothing else is there.
std::shared_ptr<Scorer> ScorersInTurn(std::vector<std::shared_ptr<Scorer>> scorers);

}  // namespace embedserve
