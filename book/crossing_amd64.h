// Of plain_amd64.s: orders that meet somebody.

// STOPS is the reach of the stops of a side, seen from the instrument's book.
#define STOPS(side) (instrumentBook_ladders+(const_stopped+side)*ladder__size+ladder_reach)

// The instrument's day, seen from its book.
#define DAY_Last (instrumentBook_day+Statistics_Last)
#define DAY_LastQty (instrumentBook_day+Statistics_LastQty)
#define DAY_High (instrumentBook_day+Statistics_High)
#define DAY_Low (instrumentBook_day+Statistics_Low)
#define DAY_Trades (instrumentBook_day+Statistics_Trades)
#define DAY_Volume (instrumentBook_day+Statistics_Volume)
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
//	X4  zero               X5  where the room ends     X6  index and time          X13 the worst price's key
//	and of the order's fills X7 kind and parties, X8 number and reference, X9 price and quantity, X10 the session's next number in, X11 the name, X12 the epoch
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
	NOTE(R10)
	VPBROADCASTQ X2, X2
	VPOR   X1, X2, X2
	VMOVDQU X2, idBlock_seen(DX) // and orders
	VMOVDQU X7, X11
	INCQ   IDS(DI)

	// A slot; the name joins no chain before the order rests.
	MOVL FREE(DI), R10
	SHLQ $7, R10
	ADDQ ORDERS(DI), R10
	MOVL order_next(R10), AX
	MOVL AX, FREE(DI)
	INCQ USED(DI)

	// The order and the event that says that it was accepted.
	MOVQ    e+16(FP), DX
	MOVQ    room+24(FP), CX
	SHLQ    $8, CX
	ADDQ    DX, CX
	VMOVQ   CX, X5
	MOVL    Command_Kind(SI), AX
	SHRL    $8, AX // side, type and time in force
	MOVL    Command_Instrument(SI), CX // and Session
	MOVQ    CX, Event_Instrument(DX)   // and Seconds, RefTag
	MOVQ    AX, BX
	SHLQ    $16, BX
	LEAQ    const_Filled(BX), R11
	VMOVQ   R11, X7
	VPINSRQ $1, CX, X7, X7
	ORQ     $const_Accepted, BX
	MOVQ    BX, Event_Kind(DX)
	ROLL    $16, CX
	SHLQ    $32, AX
	ORQ     CX, AX
	MOVQ    AX, order_session(R10)
	MOVL    Command_Epoch(SI), AX
	SHLQ    $32, AX
	MOVQ    AX, Event_RefMsgType(DX)
	VMOVQ   AX, X12
	MOVQ    Session_NextOut(R8), AX
	MOVQ    AX, Event_OutSeq(DX)
	INCQ    AX
	MOVQ    AX, Session_NextOut(R8)
	MOVQ    $0, Event_FeedSeq(DX)
	VMOVQ   INDEX(DI), X6
	VPINSRQ $1, TIME(DI), X6, X6
	VMOVDQU X6, Event_Index(DX)
	MOVQ    R13, Event_InSeq(DX)
	INCQ    R13
	MOVQ    R13, Event_NextIn(DX)
	MOVQ    R13, Session_NextIn(R8)
	VMOVQ   R13, X10
	MOVQ    ORDER(DI), AX
	INCQ    AX
	MOVQ    AX, ORDER(DI)
	VMOVQ   AX, X8
	MOVQ    REF(DI), AX
	INCQ    AX
	MOVQ    AX, REF(DI)
	VPINSRQ $1, AX, X8, X8
	VMOVDQU X8, order_id(R10)
	VMOVDQU X8, Event_OrderID(DX)
	MOVL    Command_Qty(SI), SI
	VMOVQ   R15, X9
	VPINSRQ $1, SI, X9, X9
	VMOVDQU X9, Event_Price(DX)
	MOVQ    R15, order_price(R10)
	MOVQ    $0, order_notional(R10)
	MOVL    SI, order_qty(R10)
	VMOVDQU X11, order_name(R10)
	VMOVDQU X4, (order_name+16)(R10)
	MOVQ    $0, (order_name+32)(R10)
	VMOVDQU X4, Event_OldRef(DX)    // and Match
	VMOVDQU Y4, Event_LastPrice(DX) // and LastQty, StopPrice, Shown
	MOVQ    $0, Event_Cum(DX)
	MOVQ    SI, Event_Leaves(DX)
	MOVQ    $0, Event_Notional(DX)
	VMOVDQU X11, Event_ClientID(DX)
	VMOVDQU Y4, (Event_ClientID+16)(DX)
	VMOVDQU Y4, (Event_ClientID+48)(DX)
	LEAQ    Event__size(DX), R13

trade: // with who stands first at the best level
	VMOVQ X13, AX
	CMPQ  AX, ladder_reach(R12)
	JHI   over
	LEAQ  (2*Event__size)(R13), AX
	VMOVQ X5, CX
	CMPQ  AX, CX
	JHI   over
	MOVL  ladder_best(R12), BX
	SHLQ  $6, BX
	ADDQ  LEVELS(DI), BX
	MOVL  level_head(BX), R15
	SHLQ  $7, R15
	ADDQ  ORDERS(DI), R15
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
	MOVQ  CX, Event_Leaves(R13)
	MOVL  order_qty(R15), AX
	MOVQ  AX, Event_Qty(R13)
	SUBQ  CX, AX
	MOVQ  AX, Event_Cum(R13)
	MOVQ  SI, (Event__size+Event_Leaves)(R13)
	MOVL  order_qty(R10), AX
	SUBQ  SI, AX
	MOVQ  AX, (Event__size+Event_Cum)(R13)
	MOVQ  DX, Event_LastPrice(R13)
	MOVQ  DX, (Event__size+Event_LastPrice)(R13)
	MOVQ  R11, Event_LastQty(R13)
	MOVQ  R11, (Event__size+Event_LastQty)(R13)
	VMOVDQU X4, Event_StopPrice(R13) // and Shown
	VMOVDQU X4, (Event__size+Event_StopPrice)(R13)
	MOVQ  DX, DAY_Last(R9)
	MOVQ  R11, DAY_LastQty(R9)
	CMPQ  DX, DAY_High(R9)
	JGT   high

highest:
	CMPQ DX, DAY_Low(R9)
	JLT  low

lowest:
	IMULQ R11, DX // the sum
	ADDQ  DX, DAY_NotionalLo(R9)
	ADCQ  $0, DAY_NotionalHi(R9)
	INCQ  DAY_Trades(R9)
	ADDQ  R11, DAY_Volume(R9)
	INCQ  TRADES(DI)
	ADDQ  R11, VOLUME(DI)
	MOVQ  order_notional(R10), AX
	ADDQ  DX, AX
	MOVQ  AX, order_notional(R10)
	MOVQ  AX, (Event__size+Event_Notional)(R13)
	ADDQ  order_notional(R15), DX
	MOVQ  DX, order_notional(R15)
	MOVQ  DX, Event_Notional(R13)
	MOVQ  MATCH(DI), AX
	INCQ  AX
	MOVQ  AX, MATCH(DI)
	MOVQ  $0, Event_OldRef(R13)
	MOVQ  AX, Event_Match(R13)
	MOVQ  $0, (Event__size+Event_OldRef)(R13)
	MOVQ  AX, (Event__size+Event_Match)(R13)
	VMOVDQU X6, Event_Index(R13) // and Time
	VMOVDQU X6, (Event__size+Event_Index)(R13)
	ONFEED(R13)
	MOVQ  $0, (Event__size+Event_FeedSeq)(R13)

	// What the first event has of who is met, and of the session of that.
	MOVQ    order_session(R15), AX // and instrument, side, typ, tif; it has no marks
	MOVL    AX, DX
	MOVWLZX AX, CX
	SHRQ    $32, AX
	SHLQ    $16, AX
	ROLL    $16, DX
	MOVQ    DX, Event_Instrument(R13) // and Session, Seconds, RefTag
	MOVQ    $const_plainFilled, DX
	ORQ     DX, AX
	MOVQ    AX, Event_Kind(R13)
	IMUL3Q  $Session__size, CX, CX
	ADDQ    SESSIONS(DI), CX
	MOVL    Session_Epoch(CX), AX
	SHLQ    $32, AX
	MOVQ    AX, Event_RefMsgType(R13)
	MOVQ    Session_NextOut(CX), AX
	MOVQ    AX, Event_OutSeq(R13)
	INCQ    AX
	MOVQ    AX, Session_NextOut(CX)
	VMOVQ   Session_NextIn(CX), X0
	VMOVDQU X0, Event_NextIn(R13) // and InSeq, 0
	VMOVDQU order_id(R15), X0
	VMOVDQU X0, Event_OrderID(R13) // and Ref
	MOVQ    order_price(R15), AX
	MOVQ    AX, Event_Price(R13)
	VMOVDQU order_name(R15), X0
	VMOVDQU (order_name+16)(R15), X1
	VMOVQ   (order_name+32)(R15), X2
	VMOVDQU X0, Event_ClientID(R13)
	VMOVDQU X1, (Event_ClientID+16)(R13)
	VMOVDQU X2, (Event_ClientID+32)(R13) // and of OrigID the first word
	VMOVDQU Y4, (Event_OrigID+8)(R13)

	// And the second, of the order.
	ADDQ    $(2*Event__size), R13
	VMOVDQU X7, (Event_Kind-Event__size)(R13) // and Instrument, Session, Seconds, RefTag
	VMOVQ   X12, (Event_RefMsgType-Event__size)(R13)
	MOVQ    Session_NextOut(R8), AX // perhaps the same session
	MOVQ    AX, (Event_OutSeq-Event__size)(R13)
	INCQ    AX
	MOVQ    AX, Session_NextOut(R8)
	VMOVDQU X10, (Event_NextIn-Event__size)(R13) // and InSeq
	VMOVDQU X8, (Event_OrderID-Event__size)(R13) // and Ref
	VMOVDQU X9, (Event_Price-Event__size)(R13)   // and Qty
	VMOVDQU X11, (Event_ClientID-Event__size)(R13)
	VMOVDQU Y4, (Event_ClientID+16-Event__size)(R13)
	VMOVDQU Y4, (Event_ClientID+48-Event__size)(R13)
	CMPL    order_open(R15), $0
	JNE     partly

	// Who is met is done: out of the level, unless that has gone with it.
	DECQ RESTING(DI)
	DECQ Session_OpenOrders(CX)
	CMPL level_count(BX), $1
	JEQ  unchain
	DECL level_count(BX)
	DECL level_seen(BX)
	SUBQ R11, level_qty(BX)
	SUBQ R11, level_shown(BX)
	VMOVQ X6, level_stamp(BX)
	MOVL level_head(BX), DX
	MOVL order_next(R15), CX
	MOVL CX, level_head(BX)
	XORL AX, AX
	CMPL DX, level_lastSeen(BX)
	JEQ  lastThatIsSeen

first:
	SHLQ $7, CX
	ADDQ ORDERS(DI), CX
	PREFETCHT0 order_name(CX) // it is likely to be met next
	MOVL AX, order_prev(CX)

unchain: // out of its chain; its slot is free
	MOVL order_hash(R15), AX
	CHAIN
	MOVQ HEADS(DI), CX
	LEAQ (CX)(DX*4), CX
	MOVQ R15, AX
	SUBQ ORDERS(DI), AX
	SHRQ $7, AX

walk:
	MOVL (CX), DX
	CMPL DX, AX
	JEQ  found
	SHLQ $7, DX
	ADDQ ORDERS(DI), DX
	LEAQ order_sameChain(DX), CX
	JMP  walk

found:
	MOVL order_sameChain(R15), DX
	MOVL DX, (CX)
	MOVL FREE(DI), DX
	MOVL DX, order_next(R15)
	MOVL AX, FREE(DI)
	MOVQ USED(DI), CX
	DECQ USED(DI)
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
	MOVL FREE(DI), AX
	MOVL AX, order_next(R10)
	SUBQ ORDERS(DI), R10
	SHRQ $7, R10
	MOVL R10, FREE(DI)
	DECQ USED(DI)
	MOVQ $const_crossed, AX
	JMP  told

partly: // so the order is filled
	SUBQ  R11, level_qty(BX)
	SUBQ  R11, level_shown(BX)
	VMOVQ X6, level_stamp(BX)
	JMP   filled

lastThatIsSeen:
	MOVL AX, level_lastSeen(BX)
	JMP  first

high:
	MOVQ DX, DAY_High(R9)
	JMP  highest

low:
	MOVQ DX, DAY_Low(R9)
	JMP  lowest

	// The level's last order will be filled: the level goes out of the ladder, if another is in its leaf AX.
lastOfLevel:
	VMOVQ   SI, X14
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
	VMOVQ X14, SI
	MOVQ  level_price(BX), DX
	XORL  CX, CX
	JMP   fills

lastOfLeaf:
	VMOVQ X14, SI

over: // what is left of the order is another's
	MOVQ $const_crossed, AX

left:
	MOVL SI, order_open(R10)
	SUBQ ORDERS(DI), R10
	SHLQ $(const_slotShift-7), R10
	ORQ  R10, AX

told: // AX, and how many events there are
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
	VZEROUPPER
	MOVQ $0, did+32(FP)
	RET
