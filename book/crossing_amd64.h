// Of plain_amd64.s: orders that meet somebody.

// STOPS is the reach of the stops of a side, seen from the instrument's book.
#define STOPS(side) (instrumentBook_ladders+(const_stopped+side)*ladder__size+ladder_reach)

// The instrument's day, seen from its book.
#define DAY_Last       (instrumentBook_day+Statistics_Last)
#define DAY_LastQty    (instrumentBook_day+Statistics_LastQty)
#define DAY_High       (instrumentBook_day+Statistics_High)
#define DAY_Low        (instrumentBook_day+Statistics_Low)
#define DAY_Trades     (instrumentBook_day+Statistics_Trades)
#define DAY_Volume     (instrumentBook_day+Statistics_Volume)
#define DAY_NotionalLo (instrumentBook_day+Statistics_NotionalLo)
#define DAY_NotionalHi (instrumentBook_day+Statistics_NotionalHi)

// crossAVX is what enterCrossing does, if the own id is of a family that is known and has no more than 16 bytes, with as many trades as there is room for, of those that
// tradePlain does and that take no more of the ladder's tree than a leaf has besides. What is left of an order that was not filled it leaves to others.
//
// It comes from namedAVX with the worst price's key in DX and the price in R15. It keeps:
//
//	DI  the market         R8  the order's session     R9  the instrument's book   R12 the other side's ladder
//	R10 the order          SI  what it has open        R11 how much is traded      R13 where the next event goes
//	R15 who is met         BX  the level of that
//	Y4  zero               X13 the worst price's key, and where the room ends      X14 where orders lie
//	Y5  how many rest, how many slots are used and which is free                   Y11, Y12 the market's counters, all of which are put back at the end
//	and of the order's fills, four words of each: Y6 the first, Y7 the second, Y8 the third, Y9 the fourth, Y10 the sixth
TEXT crossAVX<>(SB), NOSPLIT|NOFRAME, $0-40
	IMUL3Q $(2*family__size), R12, R10
	ADDQ   RECENT(DI), R10
	MOVL   BX, CX
	XORL   $1, CX
	LEAQ   (CX)(CX*4), CX // ladders have 40 bytes
	LEAQ   instrumentBook_ladders(R9)(CX*8), R12
	CMPL   (const_allOrNones*ladder__size+ladder_best)(R12), $0
	JNE    no
	CMPQ   DAY_Trades(R9), $0 // the day's first trade is another's
	JEQ    no
	VMOVQ  DX, X13
	MOVQ   e+16(FP), BX
	MOVQ   room+24(FP), CX
	SHLQ   $8, CX
	ADDQ   BX, CX
	VPINSRQ $1, CX, X13, X13
	NOTE(R10)
	NOTED

	// A slot; the name joins no chain before the order rests.
	VMOVDQU TALLY(DI), Y0
	VPADDQ  ·usedUp(SB), Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPEXTRD $2, X1, DX // beside it is anything
	SHLQ    $7, DX
	VMOVQ   X14, R10
	ADDQ    DX, R10
	VMOVD   order_next(R10), X1
	VPBROADCASTQ X1, Y1
	VPBLENDD $0xc0, Y1, Y0, Y5

	// The order, and the event at BX that says that it was accepted.
	MOVL    Command_Qty(SI), AX
	MOVQ    AX, CX
	SHLQ    $32, CX
	ORQ     AX, CX
	VMOVQ   CX, X0
	VPSLLDQ $8, X6, X1
	VINSERTI128 $1, X1, Y0, Y0
	VMOVDQU Y0, order_qty(R10) // and open; it has no neighbours and no level; its kinds
	VMOVDQU Y7, order_name(R10)
	VMOVDQU X4, (order_name+32)(R10) // and hash, sameChain
	VINSERTI128 $1, X7, Y4, Y10
	VMOVDQU (SI), Y0
	MOVQ    AX, SI
	VPSHUFB ·headOfCommand(SB), Y0, Y0
	MOVL    $const_Filled, AX
	VMOVQ   AX, X1
	VPOR    Y1, Y0, Y6
	MOVL    $const_Accepted, AX
	VMOVQ   AX, X1
	VPOR    Y1, Y0, Y0
	VMOVDQU Session_NextIn(R8), Y1 // and NextOut, OpenOrders
	VPERMQ  $0x55, Y1, Y2
	VPBLENDD $0xc0, Y2, Y0, Y0
	VMOVDQU Y0, Event_Kind(BX)
	VPADDQ  ·sessionTold(SB), Y1, Y1
	VMOVDQU Y1, Session_NextIn(R8)
	VPBROADCASTQ X1, Y0
	VPBLENDD $0x03, Y4, Y11, Y7
	VPBLENDD $0xc0, Y0, Y7, Y7
	VMOVDQU Y7, Event_FeedSeq(BX) // 0, and Index, Time, NextIn
	VMOVDQU MATCH(DI), Y12 // and order, ref, volume
	VPADDQ  ·middleUp(SB), Y12, Y12
	VPBLENDD $0xc3, Y4, Y12, Y8
	VMOVQ   R13, X0
	VPBLENDD $0x03, Y0, Y8, Y0
	VMOVDQU Y0, Event_InSeq(BX) // and OrderID, Ref, OldRef
	VMOVQ   R15, X1
	VPBLENDD $0x03, Y1, Y8, Y0
	VMOVDQU Y0, order_price(R10) // and id, ref, notional
	VPSLLDQ $8, X1, X1
	VMOVQ   SI, X2
	VINSERTI128 $1, X2, Y1, Y9
	VMOVDQU Y9, Event_Match(BX)   // and Price, Qty, LastPrice
	VMOVDQU Y4, Event_LastQty(BX) // and StopPrice, Shown, Cum
	VPBLENDD $0x03, Y2, Y10, Y0
	VMOVDQU Y0, Event_Leaves(BX) // and Notional, ClientID
	VMOVDQU Y4, (Event_ClientID+16)(BX)
	VMOVDQU Y4, (Event_ClientID+48)(BX)
	LEAQ    Event__size(BX), R13

trade: // with who stands first at the best level
	VMOVQ X13, AX
	CMPQ  AX, ladder_reach(R12)
	JHI   over
	LEAQ  (2*Event__size)(R13), AX
	VPEXTRQ $1, X13, CX
	CMPQ  AX, CX
	JHI   over
	MOVL  ladder_best(R12), BX
	SHLQ  $6, BX
	ADDQ  LEVELS(DI), BX
	MOVL  level_head(BX), R15
	SHLQ  $7, R15
	VMOVQ X14, AX
	ADDQ  AX, R15
	CMPB  order_marks(R15), $0
	JNE   over
	MOVQ  level_price(BX), DX
	MOVQ  DX, AX // as stirs has it
	BTCQ  $63, AX
	CMPQ  STOPS(const_Sell)(R9), AX
	JCC   over
	NOTQ  AX
	CMPQ  STOPS(const_Buy)(R9), AX
	JCC   over
	CMPQ  instrumentBook_trailing(R9), $0
	JNE   over
	MOVL  order_open(R15), CX
	MOVL  CX, R11
	CMPL  SI, CX
	CMOVLCS SI, R11
	SUBL  R11, CX // what the one who is met has left
	JNE   fills
	CMPL  level_count(BX), $1
	JEQ   lastOfLevel

fills:
	SUBL  R11, SI
	MOVL  CX, order_open(R15)
	MOVQ  DX, DAY_Last(R9)
	MOVQ  R11, DAY_LastQty(R9)
	CMPQ  DX, DAY_High(R9)
	JGT   high

highest:
	CMPQ DX, DAY_Low(R9)
	JLT  low

lowest: // the first event is of who is met, the second of the order
	VPADDQ  ·tradeUp(SB), Y11, Y11 // feed and trades
	VMOVQ   R11, X0
	VPBROADCASTQ X0, Y2
	VPBLENDD $0x3f, ·tradeUp(SB), Y2, Y2
	VPADDQ  Y2, Y12, Y12 // match and volume
	VPBROADCASTQ X12, Y0
	VMOVQ   DX, X1
	VPBROADCASTQ X1, Y1
	VPBLENDD $0x03, Y0, Y9, Y2
	VPBLENDD $0xc0, Y1, Y2, Y2
	VMOVDQU Y2, (Event__size+Event_Match)(R13) // and Price, Qty, LastPrice
	VMOVDQU order_price(R15), Y3 // and id, ref, notional
	VPSLLDQ $8, X3, X2
	VPBLENDD $0x03, X0, X2, X2
	MOVL    order_qty(R15), AX
	VMOVQ   AX, X0
	VPUNPCKLQDQ X1, X0, X0
	VINSERTI128 $1, X0, Y2, Y2
	VMOVDQU Y2, Event_Match(R13) // and Price, Qty, LastPrice
	VPBLENDD $0xc3, Y4, Y3, Y2
	VMOVDQU Y2, Event_InSeq(R13)               // and OrderID, Ref, OldRef
	VMOVDQU Y8, (Event__size+Event_InSeq)(R13) // and OrderID, Ref, OldRef
	SUBQ    CX, AX
	VMOVQ   AX, X2
	VPSLLDQ $8, X2, X2
	VMOVQ   R11, X0
	VINSERTI128 $1, X2, Y0, Y2
	VMOVDQU Y2, Event_LastQty(R13) // and StopPrice, Shown, Cum
	MOVL    order_qty(R10), AX
	SUBQ    SI, AX
	VMOVQ   AX, X2
	VPSLLDQ $8, X2, X2
	VINSERTI128 $1, X2, Y0, Y2
	VMOVDQU Y2, (Event__size+Event_LastQty)(R13) // and StopPrice, Shown, Cum
	IMULQ   R11, DX // the sum
	MOVQ    order_notional(R10), AX
	ADDQ    DX, AX
	MOVQ    AX, order_notional(R10)
	VMOVQ   SI, X0
	VPINSRQ $1, AX, X0, X0
	VPBLENDD $0xf0, Y10, Y0, Y0
	VMOVDQU Y0, (Event__size+Event_Leaves)(R13) // and Notional, ClientID
	MOVQ    order_notional(R15), AX
	ADDQ    DX, AX
	MOVQ    AX, order_notional(R15)
	VMOVQ   CX, X0
	VPINSRQ $1, AX, X0, X0
	VINSERTI128 $1, order_name(R15), Y0, Y0
	VMOVDQU Y0, Event_Leaves(R13) // and Notional, ClientID
	VMOVDQU (order_name+16)(R15), Y2
	VPBLENDD $0xc0, Y4, Y2, Y2
	VMOVDQU Y2, (Event_ClientID+16)(R13)
	VMOVDQU Y4, (Event_ClientID+48)(R13)
	VMOVDQU Y7, (Event__size+Event_FeedSeq)(R13) // 0, and Index, Time, NextIn
	VMOVDQU Y4, (Event__size+Event_ClientID+16)(R13)
	VMOVDQU Y4, (Event__size+Event_ClientID+48)(R13)
	ADDQ    DX, DAY_NotionalLo(R9)
	ADCQ    $0, DAY_NotionalHi(R9)
	INCQ    DAY_Trades(R9)
	ADDQ    R11, DAY_Volume(R9)

	// Their sessions, perhaps the same.
	MOVQ    order_session(R15), AX // and instrument, side, typ, tif; it has no marks
	VMOVQ   AX, X0
	VPSHUFB ·headOfOrder(SB), X0, X0
	VPOR    ·filledHead(SB), X0, X0
	MOVWLZX AX, AX
	IMUL3Q  $Session__size, AX, AX
	ADDQ    SESSIONS(DI), AX
	VMOVD   Session_Epoch(AX), X1
	VPSLLQ  $32, X1, X1
	VINSERTI128 $1, X1, Y0, Y0
	VMOVDQU Session_NextIn(AX), Y1 // and NextOut, OpenOrders
	VPERMQ  $0x55, Y1, Y2
	VPBLENDD $0xc0, Y2, Y0, Y0
	VMOVDQU Y0, Event_Kind(R13)
	VPBROADCASTQ X1, Y0
	VPBLENDD $0xc0, Y0, Y11, Y0
	VMOVDQU Y0, Event_FeedSeq(R13) // and Index, Time, NextIn
	XORL    DX, DX
	TESTL   CX, CX
	SETEQ   DX
	VMOVQ   DX, X2
	VPCMPEQQ X3, X3, X3
	VPSLLDQ $8, X3, X3
	VINSERTI128 $1, X2, Y3, Y2
	VPSUBQ  Y2, Y1, Y1 // one more is sent, perhaps one less is open
	VMOVDQU Y1, Session_NextIn(AX)
	VMOVDQU Session_NextIn(R8), Y1
	VPERMQ  $0x55, Y1, Y2
	VPBLENDD $0xc0, Y2, Y6, Y2
	VMOVDQU Y2, (Event__size+Event_Kind)(R13)
	VPSUBQ  Y3, Y1, Y1
	VMOVDQU Y1, Session_NextIn(R8)
	ADDQ    $(2*Event__size), R13

	// The level.
	VMOVQ   R11, X0
	VPBROADCASTQ X0, Y0
	VPBLENDD $0xc3, Y4, Y0, Y0
	VMOVDQU level_price(BX), Y1 // and qty, shown, stamp
	VPSUBQ  Y0, Y1, Y1
	VPERMQ  $0x55, Y7, Y0 // the index
	VPBLENDD $0xc0, Y0, Y1, Y1
	VMOVDQU Y1, level_price(BX)
	TESTL   CX, CX
	JNE     filled // the order: who is met has something left

	// Who is met is done: out of the level. If that has gone with it, what is written to it does not matter, nor what to order 0.
	VMOVQ X14, CX
	MOVQ  R15, AX
	SUBQ  CX, AX
	SHRQ  $7, AX
	VEXTRACTI128 $1, Y5, X0
	MOVL  order_next(R15), DX
	VMOVDQU level_count(BX), Y1 // and tail, seen, lastSeen, head
	VPSUBD ·levelCounts(SB), Y1, Y1
	VMOVD DX, X2
	VPBROADCASTD X2, Y2
	VPBLENDD $0x10, Y2, Y1, Y1
	CMPL  AX, level_lastSeen(BX)
	JEQ   lastThatIsSeen

first:
	VMOVDQU Y1, level_count(BX)
	SHLQ $7, DX
	PREFETCHT0 order_name(CX)(DX*1) // it is likely to be met next
	MOVL $0, order_prev(CX)(DX*1)

	// Out of its chain; its slot is free.
	VPEXTRD $2, X0, order_next(R15)
	VPSUBQ ·middleUp(SB), Y5, Y5
	VMOVQ AX, X1
	VPBROADCASTQ X1, Y1
	VPBLENDD $0xc0, Y1, Y5, Y5
	MOVQ AX, R11
	MOVL order_hash(R15), AX
	CHAIN
	MOVQ HEADS(DI), CX
	LEAQ (CX)(DX*4), CX
	VMOVQ X14, AX

walk:
	MOVL (CX), DX
	CMPL DX, R11
	JEQ  found
	SHLQ $7, DX
	LEAQ order_sameChain(AX)(DX*1), CX
	JMP  walk

found:
	MOVL order_sameChain(R15), DX
	MOVL DX, (CX)
	VMOVQ X0, CX // how many slots were used
	MOVL CHAINS(DI), AX
	CMPL AX, $const_fewestChains
	JLS  next
	SHRL $2, AX
	CMPQ CX, AX
	JCS  join

next:
	TESTL SI, SI
	JNE   trade

filled: // the slot is free again
	VEXTRACTI128 $1, Y5, X0
	VPEXTRD $2, X0, order_next(R10)
	VPSUBQ ·usedUp(SB), Y5, Y5
	VMOVQ X14, AX
	SUBQ AX, R10
	SHRQ $7, R10
	VMOVQ R10, X1
	VPBROADCASTQ X1, Y1
	VPBLENDD $0xc0, Y1, Y5, Y5
	MOVQ $const_crossed, AX
	JMP  told

lastThatIsSeen:
	VPBLENDD $0x08, Y4, Y1, Y1
	JMP  first

high:
	MOVQ DX, DAY_High(R9)
	JMP  highest

low:
	MOVQ DX, DAY_Low(R9)
	JMP  lowest

	// The level's last order will be filled: the level goes out of the ladder, if another is in its leaf AX.
lastOfLevel:
	VMOVQ   SI, X3
	MOVBLZX level_ladder(BX), SI // the side
	DECQ    SI
	XORQ    SI, DX
	BTCQ    $63, DX
	MOVL    ladder_root(R12), AX
	MOVL    ladder_shift(R12), CX

under:
	IMUL3Q $node__size, AX, AX
	ADDQ   NODES(DI), AX
	SHRXQ  CX, DX, SI
	ANDL   $const_digitMask, SI
	SUBL   $const_digitBits, CX
	JCS    leaf
	MOVL   node_child(AX)(SI*4), AX
	JMP    under

leaf:
	MOVQ  node_present(AX), CX
	BTRQ  SI, CX
	TESTQ CX, CX
	JEQ   lastOfLeaf
	MOVQ  CX, node_present(AX)
	MOVL  $0, node_child(AX)(SI*4)
	MOVL  level_worse(BX), AX
	MOVL  ladder_best(R12), DX
	MOVL  AX, ladder_best(R12)
	MOVL  NOLEVELS(DI), CX
	MOVL  CX, level_worse(BX)
	MOVL  DX, NOLEVELS(DI)
	XORL  CX, CX
	TESTL AX, AX
	JEQ   reach
	SHLQ  $6, AX
	ADDQ  LEVELS(DI), AX
	MOVL  $0, level_better(AX)
	MOVQ  level_price(AX), CX
	MOVBLZX level_ladder(BX), SI
	DECQ  SI
	XORQ  SI, CX
	BTCQ  $63, CX
	NOTQ  CX

reach:
	MOVQ  CX, ladder_reach(R12)
	VMOVQ X3, SI
	MOVQ  level_price(BX), DX
	XORL  CX, CX
	JMP   fills

lastOfLeaf:
	VMOVQ X3, SI

over: // what is left of the order is another's
	MOVQ $const_crossed, AX

left:
	MOVL SI, order_open(R10)
	VMOVQ X14, CX
	SUBQ CX, R10
	SHLQ $(const_slotShift-7), R10
	ORQ  R10, AX

told: // AX, and how many events there are
	VMOVDQU Y5, TALLY(DI)
	VMOVDQU Y11, FEED(DI)
	VMOVDQU Y12, MATCH(DI)
	SUBQ e+16(FP), R13
	SHLQ $(const_countShift-8), R13
	ORQ  R13, AX
	VZEROUPPER
	MOVQ AX, did+32(FP)
	RET

join:
	MOVQ $(const_crossed|const_chainsLeft), AX
	JMP  left

perhaps: // whose family is not known
no:
	JMP noneAVX<>(SB)
