//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "stream_amd64.h"
#include "plain_amd64.h"
#include "enter_amd64.h"
#include "cancel_amd64.h"
#include "crossing_amd64.h"
#include "reduce_amd64.h"

// What the code of plain commands keeps where. AX, CX and DX hold what is needed for a moment, as do Y0 to Y3; X15, R14 and BP are not ours.
//
//	DI  the market         SI  the command           R8  its session
//	R10 the order          R11 its slot, and before that its name's hash
//	R12 the session's number, in the end what was done
//	R13 the session's number of the command (InSeq), on its way in then the quantity
//	R15 the link that leads to the order's chain, and then what each way says
//	Y4  zero               X5  all ones              X6  the order's kinds         Y7  the command's own id
//	Y11 the market's first counters                  X14 where orders lie

// func stepAVX(m *Market, c *Command, e *Event, room int) (did int)
TEXT ·stepAVX(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ m+0(FP), DI
	MOVQ c+8(FP), SI
	NAME(oneword)
	LEAQ Market_behind(DI), BX // meanwhile what was asked for comes
	CMPQ behind_command(BX), $0
	JEQ  rolled
	CMPB ·hasVAES(SB), $0
	JEQ  narrow
	TAKEIN32((Market_counters+counters_stream)(DI), TIME(DI), event32, join32)
	JMP  taken

narrow:
	TAKEIN((Market_counters+counters_stream)(DI), TIME(DI), event, join)

taken: // the collector misses no pointer: what is gone from here ApplyAll's caller has
	MOVQ $0, behind_command(BX)

rolled: // as begin has it
	VMOVDQU FEED(DI), Y11 // and index, time, trades
	VPCMPEQQ X5, X5, X5
	VPSLLDQ $8, X5, X1
	VPSUBQ  Y1, Y11, Y11
	MOVQ    Command_Time(SI), AX
	CMPQ    AX, TIME(DI)
	JGT     later

begun:
	VMOVDQU Y11, FEED(DI)
	VPEXTRQ $1, X11, AX
	CMPQ AX, Market_until(DI)
	JLS  plain
	JMP  noneAVX<>(SB)

later:
	VPBROADCASTQ Command_Time(SI), Y1
	VPBLENDD     $0x30, Y1, Y11, Y11
	JMP          begun

plain:
	JMP namedAVX<>(SB)

// func plainAVX(m *Market, c *Command, e *Event, room int) (did int)
TEXT ·plainAVX(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ m+0(FP), DI
	MOVQ c+8(FP), SI
	NAME(oneword)
	VMOVDQU FEED(DI), Y11 // and index, time, trades
	JMP  namedAVX<>(SB)

// namedAVX is plainAVX behind NAME, with the market's first counters in Y11.
TEXT namedAVX<>(SB), NOSPLIT|NOFRAME, $0-40
	CMPQ    R12, (SESSIONS+8)(DI)
	JCC     no
	IMUL3Q  $Session__size, R12, R8
	ADDQ    SESSIONS(DI), R8
	MOVQ    Command_RefMsgType(SI), R10
	MOVQ    R10, AX
	SHRQ    $32, AX
	CMPL    AX, Session_Epoch(R8)
	JNE     no
	CMPB    Session_Connected(R8), $0
	JEQ     no
	MOVQ    Command_InSeq(SI), R13
	CMPQ    R13, Session_NextIn(R8)
	JNE     no
	TESTQ   R13, R13
	JEQ     no
	VPXOR   X4, X4, X4
	VPCMPEQQ X5, X5, X5
	MOVQ    Command_Kind(SI), AX
	MOVQ    $~const_plainKinds, CX
	ANDQ    AX, CX
	CMPQ    CX, $const_plainEnter
	JEQ     enter
	MOVQ    $~const_anyTerms, CX
	ANDQ    AX, CX
	CMPQ    CX, $const_plainCancel
	JEQ     names
	CMPQ    CX, $const_Reduce
	JNE     no
	CMPB    Command_ClientID(SI), $0
	JNE     no

names:
	JMP cancelAVX<>(SB)

enter:
	JMP enterAVX<>(SB)

no:
	JMP noneAVX<>(SB)

// noneAVX ends a command that is not a plain one, perhapsAVX one of which others have to find that out.
TEXT noneAVX<>(SB), NOSPLIT|NOFRAME, $0-40
	VZEROUPPER
	MOVQ $0, did+32(FP)
	RET

TEXT perhapsAVX<>(SB), NOSPLIT|NOFRAME, $0-40
	VZEROUPPER
	MOVQ $const_perhaps, did+32(FP)
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
