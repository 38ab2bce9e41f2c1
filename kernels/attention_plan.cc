#include "kernels/attention_plan.h"

#include <algorithm>

namespace embedserve::kernels {

void AttentionPlan::Build(std::span<const int32_t> offsets) {
  short_items.clear();
  medium_items.clear();
  long_items.clear();
  for (std::size_t b = 0; b + 1 < offsets.size(); ++b) {
    AttentionItem item{.row = offsets[b],
                       .length = offsets[b + 1] - offsets[b],
                       .sequence = static_cast<int32_t>(b)};
    if (item.length <= 0) continue;
    if (item.length <= kShortSequence) {
      short_items.push_back(item);
      continue;
    }
    if (item.length <= kMediumSequence) {
      medium_items.push_back(item);
      continue;
    }
    for (; item.first_query < item.length; item.first_query += kQueryBlock) {
      long_items.push_back(item);
    }
  }
  // Stable in effect: equal lengths stay in batch order, so a batch always gives the same plan.
  std::ranges::sort(long_items, [](const AttentionItem& a, const AttentionItem& b) {
    if (a.length != b.length) return a.length > b.length;
    return a.row + a.first_query < b.row + b.first_query;
  });
}

}  // namespace embedserve::kernels
