#include "go_asm.h"
#include "textflag.h"
#include "stream_amd64.h"

// func rollAES(h *uint64, b *behind)
TEXT ·rollAES(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ b+8(FP), BX
	MOVQ h+0(FP), DI
	TAKEIN((DI), event, join)
	RET

// func cpuid(leaf, part uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB), NOSPLIT|NOFRAME, $0-24
	MOVL leaf+0(FP), AX
	MOVL part+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET
