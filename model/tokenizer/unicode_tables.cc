#include "model/tokenizer/unicode_tables.h"

namespace embedserve {

#include "model/tokenizer/unicode_tables.inc"

}  // namespace embedserve
