// Of plain_amd64.s: where what it needs of a market lies, and what it does more than once.

#define SESSIONS  Market_sessions
#define BOOKS     Market_books
#define RECENT    (Market_ids+identities_recent)
#define BLOCKS    (Market_ids+identities_blocks)
#define IDS       (Market_ids+identities_count)
#define ORDERS    (Market_pool+orderPool_orders)
#define FREE      (Market_pool+orderPool_free)
#define HEADS     (Market_pool+orderPool_byName+chains_heads)
#define CHAINS    (Market_pool+orderPool_byName+chains_count)
#define MASK      (Market_pool+orderPool_byName+chains_mask)
#define LEVELS    (Market_levels+levelPool_levels)
#define NOLEVELS  (Market_levels+levelPool_free)
#define NODES     (Market_nodes+nodePool_nodes)
#define FEED      (Market_counters+counters_feed)
#define TALLY     (Market_counters+counters_resting-8) // nothing, and how many rest, how many slots are used, which is free
#define TIME      (Market_counters+counters_time)
#define MATCH     (Market_counters+counters_match)

// CHAIN is chains.at of the hash in AX, to DX. CX is lost.
#define CHAIN \
	MOVL    MASK(DI), CX                       \
	LEAL    1(CX)(CX*1), DX                    \
	ANDL    AX, DX                             \
	ANDL    AX, CX                             \
	CMPL    DX, CHAINS(DI)                     \
	CMOVLCC CX, DX

// NAME is chainHash of the id that names the command's order, if it has two words at most, to R11, and the link that leads to its chain, to R15. It asks for the
// first order there, or on the way in for the slot that is free: whoever needs them does so later. Where orders lie goes to X14. AX, CX, DX, R8, R9 and R10 are lost.
#define NAME(oneword) \
	MOVWLZX Command_Session(SI), R12           \
	MOVBLZX Command_Kind(SI), R8               \
	LEAQ    Command_OrigID(SI), R10            \
	LEAQ    Command_ClientID(SI), DX           \
	CMPL    R8, $const_Enter                   \
	CMOVQEQ DX, R10                            \
	MOVQ    $const_k4, AX                      \
	IMULQ   R12, AX                            \
	MOVQ    $const_k1, CX                      \
	XORQ    CX, AX                             \
	MOVQ    (R10), CX                          \
	MOVQ    8(R10), DX                         \
	TESTQ   DX, DX                             \
	JEQ     oneword                            \
	XORQ    CX, AX                             \
	MOVQ    DX, CX                             \
oneword:                               \
	LZCNTQ  CX, DX                             \
	ANDL    $56, DX                            \
	SHLXQ   DX, CX, DX                         \
	MOVQ    DX, CX                             \
	SHRQ    $56, CX                            \
	SHLQ    $8, DX                             \
	MOVQ    $const_k0, R9                      \
	XORQ    R9, DX                             \
	MULQ    DX                                 \
	XORQ    DX, AX                             \
	ADDL    CX, AX                             \
	MOVL    AX, R11                            \
	CHAIN                                      \
	MOVQ    HEADS(DI), R9                      \
	LEAQ    (R9)(DX*4), R15                    \
	MOVL    (R15), AX                          \
	CMPL    R8, $const_Enter                   \
	CMOVLEQ FREE(DI), AX                       \
	SHLQ    $7, AX                             \
	MOVQ    ORDERS(DI), R9                     \
	VMOVQ   R9, X14                            \
	PREFETCHT0 (R9)(AX*1)                      \
	PREFETCHT0 64(R9)(AX*1)

// NOTE is the checks of identities.note for the command's own id; at r is what is known of the id before. It leaves the block in DX, what was seen of it and which are
// orders in X1, the member's bit in X2, and the id's first four words in Y7. AX and CX are lost. The bit is counted modulo 64: the second half's first, member 60, has
// bit 64, that is 0. No empty id and no number is of a family that is known.
#define NOTE(r) \
	VMOVDQU Command_ClientID(SI), Y7           \
	VPXOR   family_words(r), Y7, Y1            \
	VPAND   family_mask(r), Y1, Y1             \
	VPTEST  Y1, Y1                             \
	JNE     perhaps                            \
	CMPQ    (Command_ClientID+32)(SI), $0      \
	JNE     perhaps                            \
	MOVWLZX family_word(r), CX                 \ // and tens
	MOVBLZX CX, AX                             \
	SHRL    $8, CX                             \
	MOVQ    Command_ClientID(SI)(AX*1), DX     \
	SHRXQ   CX, DX, DX                         \
	MOVBLZX DX, AX                             \
	SHRQ    $8, DX                             \
	SUBL    $48, AX                            \
	SUBL    $48, DX                            \
	CMPL    AX, $9                             \
	JHI     perhaps                            \
	CMPL    DX, $9                             \
	JHI     perhaps                            \
	LEAL    (AX)(AX*4), AX                     \
	LEAL    (DX)(AX*2), CX                     \
	LEAL    4(CX), AX                          \
	SHRL    $6, AX                             \
	LEAL    (CX)(AX*4), CX                     \
	MOVL    family_blocks(r)(AX*4), DX         \
	TESTL   DX, DX                             \ // nowhere is below 0
	JLT     perhaps                            \
	SHLQ    $5, DX                             \
	ADDQ    BLOCKS(DI), DX                     \
	VMOVDQU idBlock_seen(DX), X1               \ // and orders
	VMOVQ   X1, AX                             \
	BTQ     CX, AX                             \
	JCS     perhaps                            \
	MOVL    $1, AX                             \
	SHLXQ   CX, AX, AX                         \
	VMOVQ   AX, X2

// NUMBERS writes an event's first eight words, of which the first three are in Y0 with zero behind: the session's number, then the market's, with one more of
// the feed. Y3 is what is taken off the session's own, Y11 the market's first counters, X5 all ones. The event is in DX. It leaves the second four words in Y2; Y0, Y1
// and Y3 are lost.
#define NUMBERS \
	VMOVDQU Session_NextIn(R8), Y1             \ // and NextOut, OpenOrders
	VPERMQ  $0x55, Y1, Y2                      \
	VPBLENDD $0xc0, Y2, Y0, Y0                 \
	VMOVDQU Y0, Event_Kind(DX)                 \
	VPSUBQ  Y3, Y1, Y1                         \
	VMOVDQU Y1, Session_NextIn(R8)             \
	VPBROADCASTQ X1, Y1                        \
	VPSRLDQ $8, X5, X3                         \
	VPSUBQ  Y3, Y11, Y2                        \
	VMOVDQU Y2, FEED(DI)                       \ // and index, time, trades
	VPBLENDD $0xc0, Y1, Y2, Y2                 \
	VMOVDQU Y2, Event_FeedSeq(DX)              \ // and Index, Time, NextIn

// NOTED adds what NOTE has found to be new, as an order's. X1 and X2 are lost.
#define NOTED \
	VPBROADCASTQ X2, X2                        \
	VPOR    X1, X2, X2                         \
	VMOVDQU X2, idBlock_seen(DX)               \ // and orders
	INCQ    IDS(DI)

// LESS takes what is in off from the level BX of the order R10, behind NUMBERS, and writes the third four words of the event. It leaves off in word too, and the order's
// first four words in Y1; Y0 and Y2 are lost.
#define LESS(off, word) \
	VPERMQ  $0x55, Y2, Y1                      \ // the index
	VMOVQ   off, word                          \
	VPBROADCASTQ word, Y0                      \
	VPBLENDD $0xc3, Y4, Y0, Y0                 \
	VMOVDQU level_price(BX), Y2                \ // and qty, shown, stamp
	VPSUBQ  Y0, Y2, Y2                         \
	VPBLENDD $0xc0, Y1, Y2, Y2                 \
	VMOVDQU Y2, level_price(BX)                \
	VMOVDQU order_price(R10), Y1               \ // and id, ref, notional
	VMOVQ   R13, X2                            \
	VPBLENDD $0xc3, Y2, Y1, Y2                 \
	VMOVDQU Y2, Event_InSeq(DX)                // and OrderID, Ref, OldRef

// PLACED writes the second half of the first line of the order on its way in: its quantity R13, its neighbours, its level and, in X6, its kinds. R8, X0 and X1 are lost.
#define PLACED(level, neighbours) \
	MOVQ  R13, R8                              \
	SHLQ  $32, R8                              \
	ORQ   R13, R8                              \
	VMOVQ R8, X0                               \
	VPINSRQ $1, neighbours, X0, X0             \
	VMOVQ level, X1                            \
	VPUNPCKLQDQ X6, X1, X1                     \
	VINSERTI128 $1, X1, Y0, Y0                 \
	VMOVDQU Y0, order_qty(R10)

// OUT ends a command: R12 says what was done and what is left; of a whole one nothing else, not its slot.
#define OUT(whole) \
	CMPL R12, $const_done                      \
	JEQ  whole                                 \
	SHLQ $const_slotShift, R11                 \
	ORQ  R11, R12                              \
whole:                                     \
	VZEROUPPER                                 \
	MOVQ R12, did+32(FP)                       \
	RET
