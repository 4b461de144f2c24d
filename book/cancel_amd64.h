// Of plain_amd64.s: plain cancels, and how they and plain reductions find their order.

// cancelAVX is what cancelPlain does, as far as plainAVX does it: it comes from there, with the command's first word in AX. BX is the order's level, R9 the link that leads
// to it in its chain, R15 what it has open. Where a level goes R9 is its ladder in the end, R8 its key and R15 its leaf.
TEXT cancelAVX<>(SB), NOSPLIT|NOFRAME, $0-40
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
	LESS(R15, X0)
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
	VMOVDQU TALLY(DI), Y0
	VEXTRACTI128 $1, Y0, X1
	VMOVQ   X1, CX
	VPEXTRD $2, X1, order_next(R10)
	VPERMQ  $0xc3, Y5, Y1
	VPADDQ  Y1, Y0, Y0
	VMOVQ   R11, X1
	VPBROADCASTQ X1, Y1
	VPBLENDD $0xc0, Y1, Y0, Y0
	VMOVDQU Y0, TALLY(DI)
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

reduces:
	JMP reduceAVX<>(SB)

perhaps:
	JMP perhapsAVX<>(SB)

no:
	JMP noneAVX<>(SB)

out:
	OUT(whole)
