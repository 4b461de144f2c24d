// Lanes are X0 to X3, where they begin X8 to X11.

// TAKEIN takes in the command and the events at BX and makes a word of them: h is where the hash is, time the market's. AX, CX, DX, R8, R9, R10 and X0 to X11 are lost.
#define TAKEIN(h, time, event, join) \
	MOVQ    behind_command(BX), R8    \
	MOVQ    behind_first(BX), R9      \
	MOVQ    behind_count(BX), CX      \
	LEAQ    ·lanes(SB), DX            \
	VMOVDQU (DX), X8                  \
	VMOVDQU 16(DX), X9                \
	VMOVDQU 32(DX), X10               \
	VMOVDQU 48(DX), X11               \
	\ // The command: 23 words.
	VAESENC (R8), X8, X0              \
	VAESENC 16(R8), X9, X1            \
	VAESENC 32(R8), X10, X2           \
	VAESENC 48(R8), X11, X3           \
	VAESENC 64(R8), X0, X0            \
	VAESENC 80(R8), X1, X1            \
	VAESENC 96(R8), X2, X2            \
	VAESENC 112(R8), X3, X3           \
	VAESENC 128(R8), X0, X0           \
	VAESENC 144(R8), X1, X1           \
	VAESENC 160(R8), X2, X2           \
	VMOVQ   176(R8), X4               \
	VAESENC X4, X3, X3                \
	TESTQ   CX, CX                    \
	JLE     join                      \
event:                                \ // 32 words each
	VAESENC (R9), X0, X0              \
	VAESENC 16(R9), X1, X1            \
	VAESENC 32(R9), X2, X2            \
	VAESENC 48(R9), X3, X3            \
	VAESENC 64(R9), X0, X0            \
	VAESENC 80(R9), X1, X1            \
	VAESENC 96(R9), X2, X2            \
	VAESENC 112(R9), X3, X3           \
	VAESENC 128(R9), X0, X0           \
	VAESENC 144(R9), X1, X1           \
	VAESENC 160(R9), X2, X2           \
	VAESENC 176(R9), X3, X3           \
	VAESENC 192(R9), X0, X0           \
	VAESENC 208(R9), X1, X1           \
	VAESENC 224(R9), X2, X2           \
	VAESENC 240(R9), X3, X3           \
	ADDQ    $256, R9                  \
	DECQ    CX                        \
	JNZ     event                     \
join:                                 \
	VAESENC X2, X0, X0                \
	VAESENC X3, X1, X1                \
	VAESENC X1, X0, X0                \
	VAESENC X8, X0, X0                \
	VAESENC X9, X0, X0                \
	VMOVQ   X0, AX                    \
	VPEXTRQ $1, X0, DX                \
	XORQ    h, AX                     \
	XORQ    time, AX                  \
	MOVQ    $0x589965cc75374cc3, R9   \ // k3
	XORQ    R9, DX                    \
	MULQ    DX                        \
	XORQ    DX, AX                    \
	MOVQ    $0xe7037ed1a0b428db, R10  \ // k1
	ADDQ    R10, AX                   \
	MOVQ    AX, h

// TAKEIN32 is TAKEIN 32 bytes at a time: Y0 is the first two lanes, Y1 the others. What is left in the upper halves would make what comes after slow.
#define TAKEIN32(h, time, event, join) \
	MOVQ    behind_command(BX), R8    \
	MOVQ    behind_first(BX), R9      \
	MOVQ    behind_count(BX), CX      \
	LEAQ    ·lanes(SB), DX            \
	VMOVDQU (DX), Y8                  \
	VMOVDQU 32(DX), Y10               \
	\ // The command: 23 words.
	VAESENC (R8), Y8, Y0              \
	VAESENC 32(R8), Y10, Y1           \
	VAESENC 64(R8), Y0, Y0            \
	VAESENC 96(R8), Y1, Y1            \
	VAESENC 128(R8), Y0, Y0           \
	VMOVDQU 160(R8), X2               \
	VMOVQ   176(R8), X4               \
	VINSERTI128 $1, X4, Y2, Y2        \
	VAESENC Y2, Y1, Y1                \
	TESTQ   CX, CX                    \
	JLE     join                      \
event:                                \ // 32 words each
	VAESENC (R9), Y0, Y0              \
	VAESENC 32(R9), Y1, Y1            \
	VAESENC 64(R9), Y0, Y0            \
	VAESENC 96(R9), Y1, Y1            \
	VAESENC 128(R9), Y0, Y0           \
	VAESENC 160(R9), Y1, Y1           \
	VAESENC 192(R9), Y0, Y0           \
	VAESENC 224(R9), Y1, Y1           \
	ADDQ    $256, R9                  \
	DECQ    CX                        \
	JNZ     event                     \
join:                                 \
	VAESENC Y1, Y0, Y0                \
	VEXTRACTI128 $1, Y0, X1           \
	VAESENC X1, X0, X0                \
	VAESENC X8, X0, X0                \
	VEXTRACTI128 $1, Y8, X1           \
	VAESENC X1, X0, X0                \
	VZEROUPPER                        \
	VMOVQ   X0, AX                    \
	VPEXTRQ $1, X0, DX                \
	XORQ    h, AX                     \
	XORQ    time, AX                  \
	MOVQ    $0x589965cc75374cc3, R9   \ // k3
	XORQ    R9, DX                    \
	MULQ    DX                        \
	XORQ    DX, AX                    \
	MOVQ    $0xe7037ed1a0b428db, R10  \ // k1
	ADDQ    R10, AX                   \
	MOVQ    AX, h
