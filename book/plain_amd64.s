//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "stream_amd64.h"
#include "plain_amd64.h"
#include "crossing_amd64.h"
#include "reduce_amd64.h"

// What plainAVX keeps where. AX, CX and DX hold what is needed for a moment; X15, R14 and BP are not ours.
//
//	DI  the market         SI  the command           R8  its session, in the end its price's key
//	R10 the order          R11 its slot, and before that its name's hash
//	R12 the session's number, then the command's index, in the end what was done
//	R13 the session's number of the command (InSeq), then the quantity
//	R15 the link that leads to the order's chain, then what is looked at for a moment, in the end the leaf of its level
//	BX  on its way in its side, on its way out its level
//	R9  on its way in the instrument's book, in the end its ladder; on its way out the link that leads to it in its chain

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
	VMOVDQU FEED(DI), Y11 // and INDEX, TIME, TRADES
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
	VMOVDQU FEED(DI), Y11 // and INDEX, TIME, TRADES
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

names: // another order
	SHRQ    $(8*5), AX // Protocol
	CMPB    AX, $const_OUCH
	JEQ     no
	VMOVDQU Command_OrigID(SI), Y0
	VMOVQ   X0, AX
	CMPB    AX, $const_NumberedID
	JLS     no
	VEXTRACTI128 $1, Y0, X1
	VPTEST  X1, X1
	JNE     perhaps
	CMPQ    (Command_OrigID+32)(SI), $0
	JNE     perhaps

	// The order, by its name.
	MOVL    R11, AX
	MOVQ    R15, R9
	VMOVQ   X14, DX

walk:
	MOVL   (R9), R11
	TESTL  R11, R11
	JEQ    no
	MOVQ   R11, R10
	SHLQ   $7, R10
	ADDQ   DX, R10
	CMPL   AX, order_hash(R10)
	JNE    next
	VPXOR  order_name(R10), Y0, Y1
	VPTEST Y1, Y1
	JNE    next
	CMPQ   (order_name+32)(R10), $0
	JNE    next
	MOVQ   order_session(R10), CX // and instrument, side, typ, tif, marks
	CMPW   R12, CX
	JEQ    found

next:
	LEAQ order_sameChain(R10), R9
	JMP  walk

found:
	VMOVQ CX, X6
	SHRQ  $56, CX
	JNE   no // what has no marks is in the book: what waits elsewhere has some
	MOVL  order_level(R10), BX
	SHLQ  $6, BX
	ADDQ  LEVELS(DI), BX
	PREFETCHT0 (BX)
	CMPB  Command_Kind(SI), $const_Reduce
	JEQ   reduces
	IMUL3Q $(2*family__size), R12, R15
	ADDQ  RECENT(DI), R15
	ADDQ  $family__size, R15
	NOTE(R15)
	VPOR  X1, X2, X2
	VMOVDQU X2, idBlock_seen(DX) // and orders
	INCQ  IDS(DI)

	// Out of its level.
	MOVL    order_prev(R10), AX
	MOVL    order_next(R10), CX
	VMOVQ   X14, DX
	VMOVD   CX, X0
	VPINSRD $1, AX, X0, X0
	VPBROADCASTQ X0, Y0
	MOVQ    AX, R15
	SHLQ    $7, R15
	MOVL    CX, order_next(DX)(R15*1)
	SHLQ    $7, CX
	MOVL    AX, order_prev(DX)(CX*1)
	VMOVD   R11, X1
	VPBROADCASTD X1, Y1
	VMOVDQU level_count(BX), Y2 // and tail, seen, lastSeen, head
	VPCMPEQD Y2, Y1, Y1
	VPAND   ·levelEnds(SB), Y1, Y1
	VPBLENDVB Y1, Y0, Y2, Y9
	VPSRLQ  $63, X5, X1 // of count and seen
	VPSUBD  Y1, Y9, Y9
	VMOVDQU Y9, level_count(BX)
	MOVL    order_open(R10), R15

	// The event. Its first four words: of the order's kinds, and of the command.
	MOVQ    e+16(FP), DX
	VINSERTI128 $1, Command_RefMsgType(SI), Y6, Y0 // and Epoch, InSeq
	VPSHUFB ·headOfOrder(SB), Y0, Y0
	VPOR    ·cancelledHead(SB), Y0, Y0
	VMOVDQU ·sessionDown(SB), Y3
	NUMBERS
	VPERMQ  $0x55, Y2, Y1 // the index
	VMOVQ   R15, X0
	VPBROADCASTQ X0, Y0
	VPBLENDD $0xc3, Y4, Y0, Y0
	VMOVDQU level_price(BX), Y2 // and qty, shown, stamp
	VPSUBQ  Y0, Y2, Y2
	VPBLENDD $0xc0, Y1, Y2, Y2
	VMOVDQU Y2, level_price(BX)
	VMOVDQU order_price(R10), Y1 // and id, ref, notional
	VMOVQ   R13, X2
	VPBLENDD $0xc3, Y2, Y1, Y2
	VMOVDQU Y2, Event_InSeq(DX) // and OrderID, Ref, OldRef
	MOVL    order_qty(R10), AX
	VPSLLDQ $8, X1, X2
	VMOVQ   AX, X3
	VINSERTI128 $1, X3, Y2, Y2
	VMOVDQU Y2, Event_Match(DX) // and Price, Qty, LastPrice
	SUBQ    R15, AX
	VMOVQ   AX, X2
	VPSLLDQ $8, X2, X2
	VINSERTI128 $1, X2, Y4, Y2
	VMOVDQU Y2, Event_LastQty(DX) // and StopPrice, Shown, Cum
	VEXTRACTI128 $1, Y1, X1
	VPBLENDD $0x03, X4, X1, X1
	VINSERTI128 $1, X7, Y1, Y1
	VMOVDQU Y1, Event_Leaves(DX) // and Notional, ClientID
	VMOVDQU (Command_ClientID+16)(SI), Y2
	VMOVDQU Y2, (Event_ClientID+16)(DX)
	VMOVDQU (Command_ClientID+48)(SI), Y2
	VMOVDQU Y2, (Event_ClientID+48)(DX)

	// Out of its chain; its slot is free.
	MOVL order_sameChain(R10), AX
	MOVL AX, (R9)
	VMOVDQU UNUSED(DI), Y0 // and RESTING, USED, FREE
	VEXTRACTI128 $1, Y0, X1
	VMOVQ   X1, CX
	VPEXTRD $2, X1, order_next(R10)
	VPERMQ  $0xc3, Y5, Y1
	VPADDQ  Y1, Y0, Y0
	VMOVQ   R11, X1
	VPBROADCASTQ X1, Y1
	VPBLENDD $0xc0, Y1, Y0, Y0
	VMOVDQU Y0, UNUSED(DI)
	MOVL $const_done, R12
	VMOVD X9, AX
	TESTL AX, AX
	JNE  stays

	// The level was its last: out of the ladder R9, under the key R8, if another is in its leaf R15.
	MOVWLZX order_instrument(R10), AX
	IMUL3Q  $instrumentBook__size, AX, AX
	ADDQ    BOOKS(DI), AX
	MOVBLZX level_ladder(BX), R13 // the side
	LEAQ    (R13)(R13*4), DX
	LEAQ    instrumentBook_ladders(AX)(DX*8), R9
	LEAQ    -1(R13), R8
	XORQ    level_price(BX), R8
	BTCQ    $63, R8
	MOVL    ladder_root(R9), AX
	MOVL    ladder_shift(R9), R13

under:
	IMUL3Q $node__size, AX, R15
	ADDQ   NODES(DI), R15
	SHRXQ  R13, R8, DX
	ANDL   $const_digitMask, DX
	MOVL   node_child(R15)(DX*4), AX
	SUBL   $const_digitBits, R13
	JCC    under
	MOVQ   node_present(R15), R13
	BTRQ   DX, R13
	TESTQ  R13, R13
	JEQ    lastOfLeaf
	MOVQ   R13, node_present(R15)
	MOVL   $0, node_child(R15)(DX*4)
	MOVL   level_better(BX), DX
	MOVL   level_worse(BX), R13
	TESTL  DX, DX
	JEQ    wasBest
	MOVQ   DX, R15
	SHLQ   $6, R15
	ADDQ   LEVELS(DI), R15
	MOVL   R13, level_worse(R15)

worse:
	TESTL R13, R13
	JEQ   freed
	SHLQ  $6, R13
	ADDQ  LEVELS(DI), R13
	MOVL  DX, level_better(R13)

freed:
	MOVL NOLEVELS(DI), DX
	MOVL DX, level_worse(BX)
	MOVL AX, NOLEVELS(DI)

stays:
	MOVL CHAINS(DI), AX
	CMPL AX, $const_fewestChains
	JLS  out
	SHRL $2, AX
	CMPQ CX, AX
	JCC  out
	ORL  $const_chainsLeft, R12
	JMP  out

wasBest:
	MOVL  R13, ladder_best(R9)
	XORL  R15, R15
	TESTL R13, R13
	JEQ   reach
	MOVQ  R13, R15
	SHLQ  $6, R15
	ADDQ  LEVELS(DI), R15
	MOVQ  level_price(R15), R15
	MOVBLZX level_ladder(BX), R8
	DECQ  R8
	XORQ  R8, R15
	BTCQ  $63, R15
	NOTQ  R15

reach:
	MOVQ R15, ladder_reach(R9)
	JMP  worse

lastOfLeaf:
	ORL $const_levelLeft, R12
	JMP stays

out: // R12 says what was done and what is left; of a whole command nothing else
	CMPL R12, $const_done
	JEQ  whole
	SHLQ $const_slotShift, R11
	ORQ  R11, R12

whole:
	VZEROUPPER
	MOVQ R12, did+32(FP)
	RET

enter:
	SHRQ    $16, R10
	TESTW   R10, R10 // Conditions and SelfTrade
	JNE     no
	MOVL    Command_Instrument(SI), R10 // and Session
	MOVWLZX R10, CX
	CMPQ    CX, (BOOKS+8)(DI)
	JCC     no
	IMUL3Q  $instrumentBook__size, CX, R9
	ADDQ    BOOKS(DI), R9
	VMOVDQU Command_StopPrice(SI), Y1 // and Trail, MinQty, Display
	VPTEST  Y1, Y1
	JNE     no
	CMPQ    Command_Expire(SI), $0
	JNE     no
	MOVQ    Command_Qty(SI), DX
	DECQ    DX
	CMPQ    DX, instrumentBook_entryQty(R9)
	JCC     no
	SHRL    $8, AX
	MOVBLZX AX, BX // the side
	ROLL    $16, R10
	MOVQ    AX, DX
	SHLQ    $32, DX
	ORQ     R10, DX
	VMOVQ   DX, X6 // the order's kinds
	MOVQ    Command_Price(SI), CX
	CMPL    AX, $0x100
	JCC     kinds
	LEAQ    -1(CX), AX
	CMPQ    AX, instrumentBook_maxPrice(R9)
	JCC     no
	LEAQ    -1(BX), DX // the price's key, as priceKey has it
	XORQ    CX, DX
	BTCQ    $63, DX
	MOVL    BX, CX
	XORL    $1, CX
	LEAQ    (CX)(CX*4), CX // ladders have 40 bytes
	CMPQ    DX, (instrumentBook_ladders+ladder_reach)(R9)(CX*8)
	JLS     meets
	CMPL    (instrumentBook_ladders+const_allOrNones*ladder__size+ladder_best)(R9)(CX*8), $0
	JNE     no

	// Its level AX, if there is one, by the leaf R15, in which it is BX: first, for it is waited for longest.
	VMOVQ R15, X13
	LEAQ  (BX)(BX*4), CX
	LEAQ  instrumentBook_ladders(R9)(CX*8), R9
	MOVQ  NODES(DI), R10
	MOVQ  ladder_base(R9), AX
	XORQ  DX, AX
	TESTQ AX, ladder_outside(R9)
	JNE   outside
	MOVL  ladder_root(R9), AX
	MOVL  ladder_shift(R9), CX

down:
	IMUL3Q $node__size, AX, R15
	ADDQ   R10, R15
	SHRXQ  CX, DX, BX
	ANDL   $const_digitMask, BX
	MOVL   node_child(R15)(BX*4), AX
	SUBL   $const_digitBits, CX
	JCC    down

leaf:
	VMOVQ AX, X9
	SHLQ  $6, AX
	ADDQ  LEVELS(DI), AX
	VMOVQ AX, X12
	PREFETCHT0 (AX)

	IMUL3Q  $(2*family__size), R12, R10
	ADDQ    RECENT(DI), R10
	NOTE(R10)
	VPBROADCASTQ X2, X2
	VPOR    X1, X2, X2
	VMOVDQU X2, idBlock_seen(DX) // and orders
	INCQ    IDS(DI)

	// A slot, and the name's chain.
	VMOVDQU UNUSED(DI), Y0 // and RESTING, USED, FREE
	VEXTRACTI128 $1, Y0, X8
	VPEXTRQ $1, X8, DX
	MOVQ    DX, CX
	SHLQ    $7, CX
	VMOVQ   X14, R10
	ADDQ    CX, R10
	VPERMQ  $0xc3, Y5, Y3
	VPSUBQ  Y3, Y0, Y0
	VMOVD   order_next(R10), X1
	VPBROADCASTQ X1, Y1
	VPBLENDD $0xc0, Y1, Y0, Y0
	VMOVDQU Y0, UNUSED(DI)
	VMOVQ   X13, CX
	MOVL    (CX), AX
	MOVL    DX, (CX)
	SHLQ    $32, AX
	ORQ     R11, AX
	VMOVQ   AX, X0
	VPSLLDQ $8, X0, X0
	VMOVDQU X0, (order_name+32)(R10) // and hash, sameChain
	MOVL    DX, R11

	// The event, and what of the order is in it.
	VMOVDQU MATCH(DI), Y10 // and ORDER, REF, VOLUME
	VPSUBQ  Y3, Y10, Y10
	VMOVDQU Y10, MATCH(DI)
	MOVQ    e+16(FP), DX
	VMOVDQU (SI), Y0
	VPSHUFB ·headOfCommand(SB), Y0, Y0
	VPOR    ·acceptedHead(SB), Y0, Y0
	VPERMQ  $0x80, Y5, Y3
	NUMBERS
	VPEXTRQ $1, X2, R12
	VMOVQ   R13, X2
	VPBLENDD $0xc3, Y2, Y10, Y2
	VMOVDQU Y2, Event_InSeq(DX) // and OrderID, Ref, OldRef
	VMOVDQU Command_Time(SI), Y1 // and Price, Qty, StopPrice
	VPSRLDQ $8, X1, X2
	VPBLENDD $0xc3, Y2, Y10, Y2
	VMOVDQU Y2, order_price(R10) // and id, ref, notional
	VPBLENDD $0x03, Y4, Y1, Y2
	VMOVDQU Y2, Event_Match(DX) // and Price, Qty, LastPrice
	VMOVDQU Y4, Event_LastQty(DX) // and StopPrice, Shown, Cum
	VMOVDQU Y7, order_name(R10)
	VEXTRACTI128 $1, Y1, X1
	VMOVQ   X1, R13
	VINSERTI128 $1, X7, Y1, Y1
	VMOVDQU Y1, Event_Leaves(DX) // and Notional, ClientID
	VMOVDQU Y4, (Event_ClientID+16)(DX)
	VMOVDQU Y4, (Event_ClientID+48)(DX)

	// Into its level.
	VMOVQ X9, AX
	TESTL AX, AX
	JEQ   alone
	VMOVQ X12, BX
	VMOVDQU level_count(BX), Y2 // and tail, seen, lastSeen
	VMOVD  X2, CX
	VPEXTRQ $1, X2, DX
	CMPL   CX, DX
	JNE    behind
	SHRQ   $32, DX
	JEQ    behind
	VMOVQ  R13, X0
	VPBROADCASTQ X0, Y0
	VPBLENDD $0xc3, Y4, Y0, Y0
	VPADDQ level_price(BX), Y0, Y0 // and qty, shown, stamp
	VMOVQ  R12, X1
	VPBROADCASTQ X1, Y1
	VPBLENDD $0xc0, Y1, Y0, Y0
	VMOVDQU Y0, level_price(BX)
	INCL   CX
	MOVQ   R11, R8
	SHLQ   $32, R8
	ORQ    CX, R8
	VMOVQ  R8, X0
	VPBROADCASTQ X0, Y0
	VPBLENDD $0xf0, Y2, Y0, Y0
	VMOVDQU Y0, level_count(BX) // and tail, seen, lastSeen; head, better, worse, instrument, ladder as they were
	MOVQ   DX, CX
	SHLQ   $7, CX
	VMOVQ  X14, R8
	MOVL   R11, order_next(R8)(CX*1)
	SHLQ   $32, DX
	PLACED(AX, DX)
	MOVL   $const_done, R12

chains:
	VMOVQ X8, AX
	INCQ AX
	MOVL CHAINS(DI), CX
	CMPQ AX, CX
	JLS  out
	ORL  $const_chainsLeft, R12
	JMP  out

	// A level of its own, if a better one is in its leaf R15, where its bit is BX, or if it is the best.
alone:
	CMPQ   R15, NODES(DI) // node 0 is none
	JEQ    newlevel
	MOVQ   node_present(R15), DX
	MOVL   $1, AX
	SHLXQ  BX, AX, AX
	LEAQ   -1(AX), CX
	ANDQ   DX, CX
	JEQ    best
	LZCNTQ CX, CX
	XORL   $63, CX
	MOVL   node_child(R15)(CX*4), CX
	ORQ    AX, DX
	MOVQ   DX, node_present(R15)
	MOVL   NOLEVELS(DI), AX
	MOVL   AX, node_child(R15)(BX*4)
	MOVQ   CX, DX
	SHLQ   $6, DX
	ADDQ   LEVELS(DI), DX
	MOVL   level_worse(DX), BX
	MOVL   AX, level_worse(DX)

made: // level AX, behind CX, before BX
	MOVQ  AX, R15
	SHLQ  $6, R15
	ADDQ  LEVELS(DI), R15
	MOVL  level_worse(R15), DX
	MOVL  DX, NOLEVELS(DI)
	VMOVQ Command_Price(SI), X0
	VMOVQ R13, X1
	VPUNPCKLQDQ X1, X0, X0
	VMOVQ R12, X2
	VPUNPCKLQDQ X2, X1, X1
	VINSERTI128 $1, X1, Y0, Y0
	VMOVDQU Y0, level_price(R15) // and qty, shown, stamp
	SHLQ  $32, CX
	ORQ   R11, CX
	VMOVQ CX, X1
	MOVWLZX Command_Instrument(SI), CX
	MOVBLZX Command_Side(SI), DX
	SHLL  $16, DX
	ORL   DX, CX
	SHLQ  $32, CX
	ORQ   BX, CX
	VPINSRQ $1, CX, X1, X1
	MOVQ  R11, CX
	SHLQ  $32, CX
	INCQ  CX
	VMOVQ CX, X0
	VPBROADCASTQ X0, X0
	VINSERTI128 $1, X1, Y0, Y0
	VMOVDQU Y0, level_count(R15) // and tail, seen, lastSeen, head, better, worse, instrument, ladder
	TESTL BX, BX
	JEQ   worst
	SHLQ  $6, BX
	ADDQ  LEVELS(DI), BX
	MOVL  AX, level_better(BX)

worst:
	XORL DX, DX
	PLACED(AX, DX)
	MOVL $const_done, R12
	JMP  chains

best:
	MOVBLZX Command_Side(SI), CX // its price's key, inverted
	NEGQ CX
	XORQ Command_Price(SI), CX
	BTCQ $63, CX
	CMPQ CX, ladder_reach(R9)
	JLS  newlevel
	MOVQ CX, ladder_reach(R9)
	ORQ  AX, DX
	MOVQ DX, node_present(R15)
	MOVL NOLEVELS(DI), AX
	MOVL AX, node_child(R15)(BX*4)
	MOVL ladder_best(R9), BX
	MOVL AX, ladder_best(R9)
	XORL CX, CX
	JMP  made

outside:
	MOVQ R10, R15
	XORL AX, AX
	JMP  leaf

behind:
	XORL DX, DX
	PLACED(DX, DX)
	MOVL $(const_done|const_levelLeft), R12
	JMP  chains

newlevel:
	XORL DX, DX
	PLACED(DX, DX)
	MOVL $(const_done|const_levelNew), R12
	JMP  chains

kinds: // AX has side, type and time in force
	TESTL $0xff00, AX
	JNE   market
	LEAQ  -1(CX), AX
	CMPQ  AX, instrumentBook_maxPrice(R9)
	JCC   no
	LEAQ  -1(BX), DX
	XORQ  CX, DX
	BTCQ  $63, DX

meets:
	MOVQ Command_Price(SI), R15
	JMP  crossAVX<>(SB)

market: // at any price, which it has not
	XORL R15, R15
	MOVL $1, DX
	JMP  crossAVX<>(SB)

reduces:
	JMP reduceAVX<>(SB)

perhaps:
	VZEROUPPER
	MOVQ $const_perhaps, did+32(FP)
	RET

no:
	JMP noneAVX<>(SB)

// noneAVX ends a command that is not a plain one.
TEXT noneAVX<>(SB), NOSPLIT|NOFRAME, $0-40
	VZEROUPPER
	MOVQ $0, did+32(FP)
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
