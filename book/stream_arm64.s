#include "go_asm.h"
#include "textflag.h"

// Lanes are V0 to V3, V31 is zero.

// ROUND is x86's AESENC: ARM adds its key before the substitution, so zero is added there and the key behind.
#define ROUND(key, lane) \
	AESE  V31.B16, lane.B16  \
	AESMC lane.B16, lane.B16 \
	VEOR  key.B16, lane.B16, lane.B16

// FOUR takes in the next 64 bytes.
#define FOUR(at) \
	VLD1.P 64(at), [V16.B16, V17.B16, V18.B16, V19.B16] \
	ROUND(V16, V0)  \
	ROUND(V17, V1)  \
	ROUND(V18, V2)  \
	ROUND(V19, V3)

// func rollAES(h *uint64, b *behind)
TEXT ·rollAES(SB), NOSPLIT|NOFRAME, $0-16
	MOVD b+8(FP), R3
	MOVD behind_command(R3), R0
	MOVD behind_first(R3), R1
	MOVD behind_count(R3), R2
	MOVD $·lanes(SB), R4
	VLD1 (R4), [V0.B16, V1.B16, V2.B16, V3.B16]
	VMOV V0.B16, V8.B16
	VMOV V1.B16, V9.B16
	VEOR V31.B16, V31.B16, V31.B16

	// The command: 23 words.
	FOUR(R0)
	FOUR(R0)
	VLD1.P 48(R0), [V16.B16, V17.B16, V18.B16]
	ROUND(V16, V0)
	ROUND(V17, V1)
	ROUND(V18, V2)
	FMOVD.P 8(R0), F19
	ROUND(V19, V3)
	CMP $0, R2
	BLE join

event:	// 32 words each
	FOUR(R1)
	FOUR(R1)
	FOUR(R1)
	FOUR(R1)
	SUBS $1, R2
	BNE  event

join:
	ROUND(V2, V0)
	ROUND(V3, V1)
	ROUND(V1, V0)
	ROUND(V8, V0)
	ROUND(V9, V0)
	VMOV  V0.D[0], R4
	VMOV  V0.D[1], R5
	MOVD  h+0(FP), R6
	MOVD  (R6), R7
	MOVD  behind_time(R3), R8
	EOR   R7, R4
	EOR   R8, R4
	MOVD  $0x589965cc75374cc3, R9 // k3
	EOR   R9, R5
	MUL   R4, R5, R7
	UMULH R4, R5, R8
	EOR   R7, R8
	MOVD  $0xe7037ed1a0b428db, R10 // k1
	ADD   R10, R8
	MOVD  R8, (R6)
	RET
