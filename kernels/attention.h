// Scaled dot-product attention over packed sequences: no padding and no mask. Every sequence sees
// its own tokens alone.
#pragma once

#include "kernels/attention_plan.h"
#include "kernels/pooling.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace embedserve::kernels {

// The same work on the device.
struct AttentionWork {
  const AttentionItem* short_items = nullptr;
  int short_count = 0;
  const AttentionItem* medium_items = nullptr;
  int medium_count = 0;
  const AttentionItem* long_items = nullptr;
  int long_count = 0;
};

// out (T, N D) = softmax(Q K^T / sqrt D) V by sequence and head, from qkv (T, 3 N D): a row holds
// its query, key and value, each N heads of D. D at most 256. fp16 and bf16 with D a multiple of 8
// up to 128 run on tensor cores; anything else on a simple kernel.
void Attention(Stream& stream, ConstTensor qkv, int heads, const AttentionWork& work, Tensor out);

// The same for one query a sequence, out (B, N D): keys and values are the last 2 N D columns of
// `key_value`, a row a token, the query the first N D columns of the row of `query` that
// `query_rows` name. So both may be one (T, 3 N D).
void AttentionOfOneQuery(Stream& stream, ConstTensor query, const PooledRows& query_rows,
                         ConstTensor key_value, int heads, const AttentionWork& work, Tensor out);

}  // namespace embedserve::kernels
