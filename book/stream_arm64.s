#include "textflag.h"

// Lanes are V0 to V3, where they begin V8 to V11; V31 is zero. The rolling hash is in R8, k3 and k1 are in R9 and R10.

// ROUND is x86's AESENC: ARM adds its key before the substitution, so zero is added there and the key behind.
#define ROUND(key, lane) \
	AESE  V31.B16, lane.B16  \
	AESMC lane.B16, lane.B16 \
	VEOR  key.B16, lane.B16, lane.B16

#define BEGIN \
	VMOV V8.B16, V0.B16  \
	VMOV V9.B16, V1.B16  \
	VMOV V10.B16, V2.B16 \
	VMOV V11.B16, V3.B16

// FOUR takes in the next 64 bytes.
#define FOUR(at) \
	VLD1.P 64(at), [V16.B16, V17.B16, V18.B16, V19.B16] \
	ROUND(V16, V0)  \
	ROUND(V17, V1)  \
	ROUND(V18, V2)  \
	ROUND(V19, V3)

// LAST takes in the last word.
#define LAST(at) \
	FMOVD.P 8(at), F19 \
	ROUND(V19, V3)

// JOIN lets the lanes go into one another and the outcome into the hash.
#define JOIN \
	ROUND(V2, V0)   \
	ROUND(V3, V1)   \
	ROUND(V1, V0)   \
	ROUND(V8, V0)   \
	ROUND(V9, V0)   \
	VMOV  V0.D[0], R4 \
	VMOV  V0.D[1], R5 \
	EOR   R8, R4    \
	EOR   R9, R5    \
	MUL   R4, R5, R6  \
	UMULH R4, R5, R7  \
	EOR   R6, R7      \
	ADD   R10, R7, R8

// func rollAES(h uint64, c *Command, events *Event, n int, lanes *[4]block) uint64
TEXT ·rollAES(SB), NOSPLIT|NOFRAME, $0-48
	MOVD h+0(FP), R8
	MOVD c+8(FP), R0
	MOVD events+16(FP), R1
	MOVD n+24(FP), R2
	MOVD lanes+32(FP), R3
	MOVD $0x589965cc75374cc3, R9
	MOVD $0xe7037ed1a0b428db, R10
	VLD1 (R3), [V8.B16, V9.B16, V10.B16, V11.B16]
	VEOR V31.B16, V31.B16, V31.B16

	// The command: 23 words.
	BEGIN
	FOUR(R0)
	FOUR(R0)
	VLD1.P 48(R0), [V16.B16, V17.B16, V18.B16]
	ROUND(V16, V0)
	ROUND(V17, V1)
	ROUND(V18, V2)
	LAST(R0)
	JOIN
	CMP $0, R2
	BLE done

event:	// 33 words each
	BEGIN
	FOUR(R1)
	FOUR(R1)
	FOUR(R1)
	FOUR(R1)
	LAST(R1)
	JOIN
	SUBS $1, R2
	BNE  event
done:
	MOVD R8, ret+40(FP)
	RET
