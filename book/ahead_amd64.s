//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "plain_amd64.h"

// The steps of ahead.go, without a branch that depends on what a command is: nobody can foretell those. A command that names no order has order 0, which is
// none; one that enters none has the ladders of instrument 0, which are empty. What is kept where:
//
//	DI  the market         SI  the first command     R8  how many there are    R9  the one that takes step 1
//	R11 a step's command   R12 what is known of it   R10 which it is

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

// LEVEL and PLACE are where the level, or the order, is whose number is in r.
#define LEVEL(r) \
	SHLQ $6, r        \
	ADDQ LEVELS(DI), r
#define PLACE(r) \
	SHLQ $7, r        \
	ADDQ ORDERS(DI), r

// KEY is the key of the command's price, to R13, and its side, to AX.
#define KEY \
	MOVBLZX Command_Side(R11), AX   \
	ANDL    $1, AX                  \
	LEAQ    -1(AX), R13             \
	XORQ    Command_Price(R11), R13 \
	BTCQ    $63, R13

// CHILD is where node AX has the child that is on the way of the key in R13, with its digit at CX, to AX. R10 is lost.
#define CHILD \
	IMUL3Q $node__size, AX, AX     \
	ADDQ   NODES(DI), AX           \
	SHRXQ  CX, R13, R10            \
	ANDL   $const_digitMask, R10   \
	LEAQ   node_child(AX)(R10*4), AX

// DOWN goes from node AX, with its digit at CX, to the next one on the way of the key in R13, if it is higher than a leaf. BX, DX and R10 are lost.
#define DOWN \
	MOVL    AX, DX                      \
	CHILD                               \
	MOVL    (AX), AX                    \
	LEAL    -const_digitBits(CX), BX    \
	CMPL    CX, $const_digitBits        \
	CMOVLCS DX, AX                      \
	CMOVLCC BX, CX

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
	VMOVDQU X0, 16(R12)
	MOVBLZX Command_Kind(R11), AX
	SUBL    $const_Enter, AX
	CMPL    AX, $(const_Reduce-const_Enter)
	JHI     two
	MOVWLZX Command_Session(R11), R13
	CMPQ    R13, (Market_sessions+8)(DI)
	JCC     two
	IMUL3Q  $(2*family__size), R13, BX
	ADDQ    (Market_ids+identities_recent)(DI), BX
	LEAQ    family__size(BX), CX
	LEAQ    Command_OrigID(R11), R10
	LEAQ    Command_ClientID(R11), DX
	TESTL   AX, AX
	CMOVQEQ DX, R10
	CMOVQNE CX, BX
	VMOVDQU (DX), X0           // its own id is of the family that is known
	VPXOR   family_words(BX), X0, X1
	VPAND   family_mask(BX), X1, X1
	VPOR    16(DX), X1, X1
	VPOR    16(R10), X1, X1    // and the order's has two words at most
	VPTEST  X1, X1
	JNE     more
	MOVQ    32(DX), CX
	ORQ     32(R10), CX
	JNE     more
	CMPB    (R10), $const_NumberedID
	JLS     more
	MOVWLZX Command_Instrument(R11), BX
	CMPQ    BX, (Market_books+8)(DI)
	JCC     two
	NEGL    AX                 // of what enters no order the instrument is 0, which has no levels
	SBBL    AX, AX             // all ones if an order is named
	MOVL    AX, ahead_named(R12)
	NOTL    AX
	ANDL    AX, BX
	MOVL    BX, ahead_instrument(R12)
	IMUL3Q  $instrumentBook__size, BX, BX
	ADDQ    Market_books(DI), BX
	PREFETCHT0 (BX)
	PREFETCHT0 64(BX)
	PREFETCHT0 instrumentBook_entryQty(BX)
	MOVQ    $const_k4, CX
	IMULQ   CX, R13
	MOVQ    $const_k1, CX
	XORQ    CX, R13
	MOVQ    (R10), CX
	MOVQ    8(R10), DX
	TESTQ   DX, DX
	JEQ     word
	XORQ    CX, R13
	MOVQ    DX, CX

word:
	LZCNTQ CX, DX
	ANDL  $56, DX
	SHLXQ DX, CX, DX
	MOVQ  DX, CX
	SHRQ  $56, CX
	SHLQ  $8, DX
	MOVQ  $const_k0, AX
	XORQ  AX, DX
	MOVQ  R13, AX
	MULQ  DX
	XORQ  DX, AX
	ADDL  CX, AX
	MOVL  AX, ahead_hash(R12)
	CHAIN
	MOVL  DX, ahead_chain(R12)
	MOVQ  HEADS(DI), CX
	PREFETCHT0 (CX)(DX*4)
	JMP   two

more:
	MOVB $1, more+32(FP)

	// 2. The chain's first order; its leaf, and who it will trade with.
two:
	STEP((const_aheadIDs-const_aheadOrder), three)
	MOVL ahead_chain(R12), AX
	MOVQ HEADS(DI), CX
	MOVL (CX)(AX*4), AX
	ANDL ahead_named(R12), AX
	MOVL AX, ahead_slot(R12)
	PLACE(AX)
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)
	KEY
	MOVL    ahead_instrument(R12), BX
	IMUL3Q  $instrumentBook__size, BX, BX
	ADDQ    Market_books(DI), BX
	LEAQ    (AX)(AX*4), CX // ladders have 40 bytes
	LEAQ    instrumentBook_ladders(BX)(CX*8), DX
	XORL    $1, AX
	LEAQ    (AX)(AX*4), CX
	LEAQ    instrumentBook_ladders(BX)(CX*8), BX
	XORL    CX, CX
	MOVL    ladder_best(BX), AX
	CMPQ    R13, ladder_reach(BX)
	CMOVLHI CX, AX
	MOVL    AX, ahead_meets(R12)
	LEVEL(AX)
	PREFETCHT0 (AX)
	MOVL    ladder_root(DX), AX
	MOVQ    ladder_base(DX), BX
	XORQ    R13, BX
	TESTQ   BX, ladder_outside(DX)
	CMOVLNE CX, AX
	MOVL    ladder_shift(DX), CX
	DOWN // the nodes above the leaves are few: two of them, or as many as there are
	DOWN
	XORL    DX, DX
	TESTL   CX, CX
	CMOVLNE DX, AX
	CHILD
	PREFETCHT0 (AX)
	SUBQ    NODES(DI), AX
	MOVL    AX, ahead_leaf(R12)

	// 3. The chain's next order; the level it will stand at, and who it meets first.
three:
	STEP((const_aheadIDs-const_aheadChain), four)
	MOVL    ahead_slot(R12), AX
	MOVL    AX, BX
	PLACE(BX)
	MOVL    ahead_hash(R12), CX
	CMPL    CX, order_hash(BX)
	CMOVLNE order_sameChain(BX), AX
	ANDL    ahead_named(R12), AX
	MOVL    AX, ahead_slot(R12)
	PLACE(AX)
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)
	MOVL    ahead_meets(R12), AX
	LEVEL(AX)
	MOVL    level_head(AX), AX
	MOVL    AX, ahead_meets(R12)
	PLACE(AX)
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)
	MOVL    ahead_leaf(R12), AX
	ADDQ    NODES(DI), AX
	MOVL    (AX), AX
	XORL    CX, CX
	CMPQ    AX, (LEVELS+8)(DI) // the leaf may have become a node that has nodes
	CMOVLCC CX, AX
	MOVL    AX, ahead_level(R12)
	LEVEL(AX)
	PREFETCHT0 (AX)

	// 4. The order's neighbours and level; the order it will stand behind, and the chain of who it meets.
four:
	STEP((const_aheadIDs-const_aheadLevel), end)
	MOVL ahead_slot(R12), BX
	PLACE(BX)
	MOVL order_prev(BX), AX
	PLACE(AX)
	PREFETCHT0 (AX)
	MOVL order_next(BX), AX
	PLACE(AX)
	PREFETCHT0 (AX)
	MOVL order_level(BX), AX
	LEVEL(AX)
	PREFETCHT0 (AX)
	MOVL ahead_meets(R12), AX
	PLACE(AX)
	MOVL order_hash(AX), AX
	CHAIN
	MOVQ HEADS(DI), CX
	PREFETCHT0 (CX)(DX*4)
	MOVL ahead_level(R12), AX
	LEVEL(AX)
	MOVL level_lastSeen(AX), AX
	PLACE(AX)
	PREFETCHT0 (AX)

end:
	RET
