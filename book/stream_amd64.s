#include "textflag.h"

// Lanes are X0 to X3, where they begin X8 to X11. The rolling hash is in R8, k3 and k1 are in R9 and R10.

// JOIN lets the lanes go into one another and the outcome into the hash.
#define JOIN \
	VAESENC X2, X0, X0  \
	VAESENC X3, X1, X1  \
	VAESENC X1, X0, X0  \
	VAESENC X8, X0, X0  \
	VAESENC X9, X0, X0  \
	VMOVQ   X0, AX      \
	VPEXTRQ $1, X0, DX  \
	XORQ    R8, AX      \
	XORQ    R9, DX      \
	MULQ    DX          \
	XORQ    DX, AX      \
	LEAQ    (AX)(R10*1), R8

// func rollAES(h uint64, c *Command, events *Event, n int, lanes *[4]block) uint64
TEXT ·rollAES(SB), NOSPLIT|NOFRAME, $0-48
	MOVQ h+0(FP), R8
	MOVQ c+8(FP), SI
	MOVQ events+16(FP), DI
	MOVQ n+24(FP), CX
	MOVQ lanes+32(FP), BX
	MOVQ $0x589965cc75374cc3, R9
	MOVQ $0xe7037ed1a0b428db, R10
	VMOVDQU (BX), X8
	VMOVDQU 16(BX), X9
	VMOVDQU 32(BX), X10
	VMOVDQU 48(BX), X11

	// The command: 23 words.
	VAESENC (SI), X8, X0
	VAESENC 16(SI), X9, X1
	VAESENC 32(SI), X10, X2
	VAESENC 48(SI), X11, X3
	VAESENC 64(SI), X0, X0
	VAESENC 80(SI), X1, X1
	VAESENC 96(SI), X2, X2
	VAESENC 112(SI), X3, X3
	VAESENC 128(SI), X0, X0
	VAESENC 144(SI), X1, X1
	VAESENC 160(SI), X2, X2
	VMOVQ   176(SI), X4
	VAESENC X4, X3, X3
	JOIN
	TESTQ CX, CX
	JLE   done

event:	// 33 words each
	VAESENC (DI), X8, X0
	VAESENC 16(DI), X9, X1
	VAESENC 32(DI), X10, X2
	VAESENC 48(DI), X11, X3
	VAESENC 64(DI), X0, X0
	VAESENC 80(DI), X1, X1
	VAESENC 96(DI), X2, X2
	VAESENC 112(DI), X3, X3
	VAESENC 128(DI), X0, X0
	VAESENC 144(DI), X1, X1
	VAESENC 160(DI), X2, X2
	VAESENC 176(DI), X3, X3
	VAESENC 192(DI), X0, X0
	VAESENC 208(DI), X1, X1
	VAESENC 224(DI), X2, X2
	VAESENC 240(DI), X3, X3
	VMOVQ   256(DI), X4
	VAESENC X4, X3, X3
	JOIN
	ADDQ $264, DI
	DECQ CX
	JNZ  event
done:
	MOVQ R8, ret+40(FP)
	RET
