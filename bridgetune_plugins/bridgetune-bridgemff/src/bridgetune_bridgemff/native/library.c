/* What this library is. */

#include "scan_block.h"

EXPORT int32_t bridgetune_abi(void) { return 4; }

EXPORT int32_t bridgetune_block(void) { return BLOCK; }

EXPORT int32_t bridgetune_is_parallel(void) {
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}
