// Of plain_amd64.s: where what it needs of a market lies, and what it does more than once.

#define SESSIONS  Market_sessions
#define BOOKS     Market_books
#define RECENT    (Market_ids+identities_recent)
#define BLOCKS    (Market_ids+identities_blocks)
#define IDS       (Market_ids+identities_count)
#define ORDERS    (Market_pool+orderPool_orders)
#define FREE      (Market_pool+orderPool_free)
#define USED      (Market_pool+orderPool_used)
#define HEADS     (Market_pool+orderPool_byName+chains_heads)
#define CHAINS    (Market_pool+orderPool_byName+chains_count)
#define MASK      (Market_pool+orderPool_byName+chains_mask)
#define LEVELS    (Market_levels+levelPool_levels)
#define NOLEVELS  (Market_levels+levelPool_free)
#define NODES     (Market_nodes+nodePool_nodes)
#define INDEX     (Market_counters+counters_index)
#define FEED      (Market_counters+counters_feed)
#define ORDER     (Market_counters+counters_order)
#define REF       (Market_counters+counters_ref)
#define UNUSED    (Market_counters+counters_resting-8)
#define RESTING   (Market_counters+counters_resting)
#define TIME      (Market_counters+counters_time)
#define MATCH     (Market_counters+counters_match)
#define TRADES    (Market_counters+counters_trades)
#define VOLUME    (Market_counters+counters_volume)

// CHAIN is chains.at of the hash in AX, to DX. CX is lost.
#define CHAIN \
	MOVL    MASK(DI), CX                       \
	LEAL    1(CX)(CX*1), DX                    \
	ANDL    AX, DX                             \
	ANDL    AX, CX                             \
	CMPL    DX, CHAINS(DI)                     \
	CMOVLCC CX, DX

// NAME is chainHash of the id that names the command's order, if it has two words at most, to R11, and the link that leads to its chain, to R15. It asks for the
// first order there, or on the way in for the slot that is free: whoever needs them does so later. AX, CX, DX, R9 and R10 are lost.
#define NAME(oneword) \
	MOVWLZX Command_Session(SI), R12           \
	LEAQ    Command_OrigID(SI), R10            \
	LEAQ    Command_ClientID(SI), DX           \
	CMPB    Command_Kind(SI), $const_Enter     \
	CMOVQEQ DX, R10                            \
	MOVQ    R12, AX                            \
	IMULQ   ·hashKeys+16(SB), AX               \
	XORQ    ·hashKeys+8(SB), AX                \
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
	XORQ    ·hashKeys+0(SB), DX                \
	MULQ    DX                                 \
	XORQ    DX, AX                             \
	ADDL    CX, AX                             \
	MOVL    AX, R11                            \
	CHAIN                                      \
	MOVQ    HEADS(DI), R9                      \
	LEAQ    (R9)(DX*4), R15                    \
	MOVL    (R15), AX                          \
	CMPB    Command_Kind(SI), $const_Enter     \
	CMOVLEQ FREE(DI), AX                       \
	SHLQ    $7, AX                             \
	ADDQ    ORDERS(DI), AX                     \
	PREFETCHT0 (AX)                            \
	PREFETCHT0 64(AX)

// NOTE is the checks of identities.note for the command's own id; at r is what is known of the id before. It leaves the block in DX, what was seen of it in AX and
// the member's bit in CX, which is counted modulo 64: the second half's first, member 60, has bit 64, that is 0.
#define NOTE(r) \
	VMOVDQU Command_ClientID(SI), X0           \
	VPXOR   family_first(r), X0, X1            \
	VPAND   family_firstMask(r), X1, X1        \
	VPOR    (Command_ClientID+16)(SI), X1, X1  \
	VPTEST  X1, X1                             \
	JNE     perhaps                            \
	CMPQ    (Command_ClientID+32)(SI), $0      \
	JNE     perhaps                            \
	MOVBLZX family_word(r), AX                 \
	MOVBLZX family_tens(r), CX                 \
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
	CMPQ    DX, (BLOCKS+8)(DI)                 \
	JCC     perhaps                            \
	SHLQ    $5, DX                             \
	ADDQ    BLOCKS(DI), DX                     \
	MOVQ    idBlock_seen(DX), AX               \
	BTQ     CX, AX                             \
	JCS     perhaps

// ONFEED gives an event its number on the feed. AX is lost.
#define ONFEED(event) \
	MOVQ FEED(DI), AX                          \
	INCQ AX                                    \
	MOVQ AX, FEED(DI)                          \
	MOVQ AX, Event_FeedSeq(event)

// NUMBERS writes an event's first eight words, of which the first three are in Y0 with zero behind: the session's number, then the market's, with one more of
// the feed. session is what the session's own are changed by. The event is in DX; Y0 to Y3 are lost.
#define NUMBERS(session) \
	VMOVDQU Session_NextIn(R8), Y1             \ // and NextOut, OpenOrders
	VPERMQ  $0x55, Y1, Y2                      \
	VPBLENDD $0xc0, Y2, Y0, Y0                 \
	VMOVDQU Y0, Event_Kind(DX)                 \
	VPADDQ  session(SB), Y1, Y1                \
	VMOVDQU Y1, Session_NextIn(R8)             \
	VPBROADCASTQ X1, Y1                        \
	VMOVDQU FEED(DI), Y2                       \ // and INDEX, TIME, TRADES
	VPADDQ  ·feedUp(SB), Y2, Y2                \
	VMOVDQU Y2, FEED(DI)                       \
	VPBLENDD $0xc0, Y1, Y2, Y2                 \
	VMOVDQU Y2, Event_FeedSeq(DX)              \ // and Index, Time, NextIn

// PLACED writes the second half of the first line of the order on its way in: its quantity R13, its neighbours, its level and its kinds. CX, R8 and X0 to X2 are lost.
#define PLACED(level, neighbours) \
	MOVQ  R13, R8                              \
	SHLQ  $32, R8                              \
	ORQ   R13, R8                              \
	VMOVQ R8, X0                               \
	VPINSRQ $1, neighbours, X0, X0             \
	MOVL  Command_Instrument(SI), CX           \ // and Session
	ROLL  $16, CX                              \
	MOVBLZX Command_Side(SI), R8               \
	SHLQ  $32, R8                              \
	ORQ   R8, CX                               \
	VMOVQ level, X1                            \
	VPINSRQ $1, CX, X1, X1                     \
	VINSERTI128 $1, X1, Y0, Y0                 \
	VMOVDQU Y0, order_qty(R10)
