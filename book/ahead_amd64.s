#include "go_asm.h"
#include "textflag.h"

// The steps of ahead.go. What is kept where:
//
//	DI  the market         SI  the first command     R8  how many there are    R9  the one that takes step 1
//	R11 a step's command   R12 what is known of it   R10 which it is

#define ORDERS (Market_pool+orderPool_orders)
#define HEADS  (Market_pool+orderPool_byName+chains_heads)
#define CHAINS (Market_pool+orderPool_byName+chains_count)
#define MASK   (Market_pool+orderPool_byName+chains_mask)
#define LEVELS (Market_levels+levelPool_levels)
#define NODES  (Market_nodes+nodePool_nodes)

// STEP finds the command that is so far behind the one that takes step 1, and goes on where there is none.
#define STEP(behind, none) \
	LEAQ   -(behind)(R9), R10         \
	CMPQ   R10, R8                    \
	JCC    none                       \
	IMUL3Q $Command__size, R10, R11   \
	ADDQ   SI, R11                    \
	ANDL   $const_aheadRing-1, R10    \
	IMUL3Q $ahead__size, R10, R12     \
	LEAQ   Market_ahead(DI)(R12*1), R12

// LEVEL is the place of the level or order whose number is in AX.
#define LEVEL \
	SHLQ $6, AX       \
	ADDQ LEVELS(DI), AX
#define PLACE \
	SHLQ $7, AX       \
	ADDQ ORDERS(DI), AX

// CHAIN is chains.at of the hash in AX, to DX. CX is lost.
#define CHAIN \
	MOVL    MASK(DI), CX    \
	LEAL    1(CX)(CX*1), DX \
	ANDL    AX, DX          \
	ANDL    AX, CX          \
	CMPL    DX, CHAINS(DI)  \
	CMOVLCC CX, DX

// KEY is the key of the command's price, to R13. AX is lost.
#define KEY \
	MOVBLZX Command_Side(R11), AX  \
	LEAQ    -1(AX), R13            \
	XORQ    Command_Price(R11), R13 \
	BTCQ    $63, R13

// CHILD asks for the child that is on the way of the key in R13, of node AX with its digit at CX. R10 is lost.
#define CHILD \
	IMUL3Q      $node__size, AX, AX     \
	ADDQ        NODES(DI), AX           \
	MOVQ        R13, R10                \
	SHRQ        CX, R10                 \
	ANDL        $const_digitMask, R10   \
	PREFETCHT0  node_child(AX)(R10*4)

// DOWN goes one node down the ladder.
#define DOWN(node, end) \
	MOVL   ahead_node(R12), AX           \
	TESTL  AX, AX                        \
	JEQ    end                           \
	MOVL   AX, BX                        \
	KEY                                  \
	MOVL   ahead_shift(R12), CX          \
	IMUL3Q $node__size, BX, AX           \
	ADDQ   NODES(DI), AX                 \
	MOVQ   R13, R10                      \
	SHRQ   CX, R10                       \
	ANDL   $const_digitMask, R10         \
	MOVL   node_child(AX)(R10*4), AX     \
	SUBL   $const_digitBits, CX          \
	JCC    node                          \
	MOVL   AX, ahead_slot(R12)           \
	LEVEL                                \
	PREFETCHT0 (AX)                      \
	MOVL   $0, ahead_node(R12)           \
	JMP    end                           \
node:                                    \
	MOVL   AX, ahead_node(R12)           \
	MOVL   CX, ahead_shift(R12)          \
	CHILD

// func lookAheadAVX(m *Market, commands *Command, n, at uint) (more bool)
TEXT ·lookAheadAVX(SB), NOSPLIT|NOFRAME, $0-33
	MOVQ m+0(FP), DI
	MOVQ commands+8(FP), SI
	MOVQ n+16(FP), R8
	MOVQ at+24(FP), R9
	MOVB $0, more+32(FP)

	// 1. Its ids' places, its ladders.
	STEP(0, two)
	VPXOR   X0, X0, X0
	VMOVDQU X0, (R12)
	MOVQ    $0, 16(R12)
	MOVBLZX Command_Kind(R11), AX
	SUBL    $const_Enter, AX
	CMPL    AX, $(const_Reduce-const_Enter)
	JHI     two
	MOVWLZX Command_Session(R11), R13
	CMPQ    R13, (Market_recent+8)(DI)
	JCC     two
	IMUL3Q  $(2*family__size), R13, BX
	ADDQ    Market_recent(DI), BX
	LEAQ    family__size(BX), CX
	LEAQ    Command_OrigID(R11), R10
	LEAQ    Command_ClientID(R11), DX
	TESTL   AX, AX
	CMOVQEQ DX, R10
	CMOVQNE CX, BX
	VMOVDQU (DX), X0           // its own id is of the family that is known
	VPXOR   family_first(BX), X0, X1
	VPAND   family_firstMask(BX), X1, X1
	VPOR    16(DX), X1, X1
	VPOR    16(R10), X1, X1    // and the order's has two words at most
	VPTEST  X1, X1
	JNE     more
	MOVQ    32(DX), CX
	ORQ     32(R10), CX
	JNE     more
	CMPB    (R10), $const_NumberedID
	JLS     more
	IMULQ   ·hashKeys+16(SB), R13
	XORQ    ·hashKeys+8(SB), R13
	MOVQ    (R10), CX
	MOVQ    8(R10), DX
	TESTQ   DX, DX
	JEQ     word
	XORQ    CX, R13
	MOVQ    DX, CX

word:
	BSRQ  CX, DX
	XORL  $63, DX
	ANDL  $56, DX
	XCHGQ CX, DX
	SHLQ  CX, DX
	MOVQ  DX, CX
	SHRQ  $56, CX
	SHLQ  $8, DX
	XORQ  ·hashKeys+0(SB), DX
	MOVQ  R13, AX
	MULQ  DX
	XORQ  DX, AX
	ADDL  CX, AX
	MOVL  AX, ahead_hash(R12)
	CHAIN
	MOVL  DX, ahead_chain(R12)
	MOVQ  HEADS(DI), CX
	PREFETCHT0 (CX)(DX*4)
	CMPB  Command_Kind(R11), $const_Enter
	JNE   two
	MOVWLZX Command_Instrument(R11), AX
	CMPQ  AX, (Market_books+8)(DI)
	JCC   two
	IMUL3Q $instrumentBook__size, AX, AX
	ADDQ  Market_books(DI), AX
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)
	PREFETCHT0 instrumentBook_entryQty(AX)
	JMP   two

more:
	MOVB $1, more+32(FP)

	// 2. The chain's first order; its ladder's root, and who it will trade with.
two:
	STEP((const_aheadIDs-const_aheadOrder), three)
	CMPB   Command_Kind(R11), $const_Enter
	JNE    named
	MOVWLZX Command_Instrument(R11), BX
	CMPQ   BX, (Market_books+8)(DI)
	JCC    three
	KEY
	CMPL   AX, $1
	JHI    three
	IMUL3Q $instrumentBook__size, BX, BX
	ADDQ   Market_books(DI), BX
	LEAQ   (AX)(AX*4), CX      // ladders have 40 bytes
	LEAQ   instrumentBook_ladders(BX)(CX*8), DX
	XORL   $1, AX
	LEAQ   (AX)(AX*4), CX
	LEAQ   instrumentBook_ladders(BX)(CX*8), BX
	CMPB   Command_Type(R11), $0
	JNE    meets
	CMPQ   R13, ladder_reach(BX)
	JHI    apart

meets:
	MOVL ladder_best(BX), AX
	MOVL AX, ahead_meets(R12)
	LEVEL
	PREFETCHT0 (AX)

apart:
	MOVQ  ladder_base(DX), AX
	XORQ  R13, AX
	TESTQ AX, ladder_outside(DX)
	JNE   three
	MOVL  ladder_root(DX), AX
	MOVL  ladder_shift(DX), CX

high: // nodes above the leaves' parents are few
	CMPL   CX, $const_digitBits
	JLS    low
	IMUL3Q $node__size, AX, AX
	ADDQ   NODES(DI), AX
	MOVQ   R13, R10
	SHRQ   CX, R10
	ANDL   $const_digitMask, R10
	MOVL   node_child(AX)(R10*4), AX
	SUBL   $const_digitBits, CX
	JMP    high

low:
	MOVL  AX, ahead_node(R12)
	MOVL  CX, ahead_shift(R12)
	CHILD
	JMP   three

named:
	CMPL ahead_hash(R12), $0
	JEQ  three
	MOVL ahead_chain(R12), AX
	MOVQ HEADS(DI), CX
	MOVL (CX)(AX*4), AX
	MOVL AX, ahead_slot(R12)
	PLACE
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)

	// 3. The chain's next order; the next node, and who it meets first.
three:
	STEP((const_aheadIDs-const_aheadChain), four)
	CMPB  Command_Kind(R11), $const_Enter
	JNE   next
	MOVL  ahead_meets(R12), AX
	TESTL AX, AX
	JEQ   node3
	LEVEL
	MOVL  level_head(AX), AX
	MOVL  AX, ahead_meets(R12)
	PLACE
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)

node3:
	DOWN(deeper3, four)
	JMP  four

next:
	MOVL  ahead_slot(R12), AX
	TESTL AX, AX
	JEQ   four
	PLACE
	MOVL  ahead_hash(R12), CX
	CMPL  CX, order_hash(AX)
	JEQ   four
	MOVL  order_sameChain(AX), AX
	MOVL  AX, ahead_slot(R12)
	PLACE
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)

	// 4. The order's neighbours and level; the level it will stand at, and the chain of who it meets.
four:
	STEP((const_aheadIDs-const_aheadLevel), five)
	CMPB  Command_Kind(R11), $const_Enter
	JNE   beside
	MOVL  ahead_meets(R12), AX
	TESTL AX, AX
	JEQ   node4
	PLACE
	MOVL  order_hash(AX), AX
	CHAIN
	MOVQ  HEADS(DI), CX
	PREFETCHT0 (CX)(DX*4)

node4:
	DOWN(deeper4, five)
	JMP  five

beside:
	MOVL  ahead_slot(R12), AX
	TESTL AX, AX
	JEQ   five
	MOVL  $0, ahead_slot(R12)
	PLACE
	MOVQ  AX, BX
	MOVL  order_prev(BX), AX
	PLACE
	PREFETCHT0 (AX)
	MOVL  order_next(BX), AX
	PLACE
	PREFETCHT0 (AX)
	MOVL  order_level(BX), AX
	LEVEL
	PREFETCHT0 (AX)

	// 5. The order it will stand behind.
five:
	STEP((const_aheadIDs-const_aheadLast), end)
	MOVL  ahead_slot(R12), AX
	TESTL AX, AX
	JEQ   end
	LEVEL
	MOVL  level_lastSeen(AX), AX
	PLACE
	PREFETCHT0 (AX)

end:
	RET
