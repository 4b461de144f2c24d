// Of plain_amd64.s: plain orders that meet nobody.

// enterAVX is what enterPlain does, as far as plainAVX does it: it comes from there, with the command's first word in AX and its third in R10. R9 is the instrument's book
// and then the ladder of the order's side, BX the side, X13 the link that leads to the chain. Its level has number X9 and lies at X12, if there is one; R15 is the leaf that has it, or would
// have, at BX. Later R12 is the command's index.
TEXT enterAVX<>(SB), NOSPLIT|NOFRAME, $0-40
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
	NOTED

	// A slot, and the name's chain.
	VMOVDQU TALLY(DI), Y0
	VEXTRACTI128 $1, Y0, X8
	VPEXTRD $2, X8, DX // beside it is anything
	MOVQ    DX, CX
	SHLQ    $7, CX
	VMOVQ   X14, R10
	ADDQ    CX, R10
	VPERMQ  $0xc3, Y5, Y3
	VPSUBQ  Y3, Y0, Y0
	VMOVD   order_next(R10), X1
	VPBROADCASTQ X1, Y1
	VPBLENDD $0xc0, Y1, Y0, Y0
	VMOVDQU Y0, TALLY(DI)
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
	VMOVDQU MATCH(DI), Y10 // and order, ref, volume
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

perhaps:
	JMP perhapsAVX<>(SB)

no:
	JMP noneAVX<>(SB)

out:
	OUT(whole)
