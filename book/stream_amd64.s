#include "go_asm.h"
#include "textflag.h"
#include "stream_amd64.h"

// func rollAES(h *uint64, b *behind)
TEXT ·rollAES(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ b+8(FP), BX
	MOVQ h+0(FP), DI
	TAKEIN((DI), behind_time(BX), event, join)
	RET
