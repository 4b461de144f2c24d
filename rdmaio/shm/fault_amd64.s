//go:build linux

#include "textflag.h"

// func storeFenced(dst, src unsafe.Pointer, n uintptr) (denied bool)
//
// A store that faults is ended by busHandler, which has the processor go on in storeDenied. For that the frame is empty and DI is always
// the start of what is stored next, at most 64 bytes.
TEXT ·storeFenced(SB), NOSPLIT, $0-25
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVB $0, denied+24(FP)

align:
	TESTQ $15, DI
	JZ    blocks
	TESTQ $7, DI
	JNZ   edge
	CMPQ  CX, $8
	JB    tail
	MOVQ  (SI), AX
	MOVQ  AX, (DI)
	ADDQ  $8, SI
	ADDQ  $8, DI
	SUBQ  $8, CX

blocks:
	// A short piece goes by words: its writer has just put it together from such, and a wider load would wait until they have left the store buffer.
	CMPQ CX, $512
	JAE  wider

block:
	CMPQ CX, $64
	JB   words
	MOVQ (SI), AX
	MOVQ 8(SI), BX
	MOVQ 16(SI), R8
	MOVQ 24(SI), R9
	MOVQ 32(SI), R10
	MOVQ 40(SI), R11
	MOVQ 48(SI), R12
	MOVQ 56(SI), R13
	MOVQ AX, (DI)
	MOVQ BX, 8(DI)
	MOVQ R8, 16(DI)
	MOVQ R9, 24(DI)
	MOVQ R10, 32(DI)
	MOVQ R11, 40(DI)
	MOVQ R12, 48(DI)
	MOVQ R13, 56(DI)
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JMP  block

wider:
	CMPB ·wide(SB), $0
	JEQ  block

wideBlock:
	CMPQ  CX, $64
	JB    words
	MOVOU (SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3
	MOVO  X0, (DI)
	MOVO  X1, 16(DI)
	MOVO  X2, 32(DI)
	MOVO  X3, 48(DI)
	ADDQ  $64, SI
	ADDQ  $64, DI
	SUBQ  $64, CX
	JMP   wideBlock

words:
	CMPQ CX, $8
	JB   tail
	MOVQ (SI), AX
	MOVQ AX, (DI)
	ADDQ $8, SI
	ADDQ $8, DI
	SUBQ $8, CX
	JMP  words

tail:
	TESTQ CX, CX
	JZ    done
	MOVB  (SI), AX
	MOVB  AX, (DI)
	INCQ  SI
	INCQ  DI
	DECQ  CX
	JMP   tail

edge:
	TESTQ CX, CX
	JZ    done
	MOVB  (SI), AX
	MOVB  AX, (DI)
	INCQ  SI
	INCQ  DI
	DECQ  CX
	TESTQ $7, DI
	JNZ   edge
	JMP   align

done:
	// Who writes a long piece writes behind it next: the lines come while it thinks. PREFETCHW (DI) and 64(DI): it never faults.
	CMPQ n+16(FP), $64
	JB   return
	BYTE $0x0F; BYTE $0x0D; BYTE $0x0F
	BYTE $0x0F; BYTE $0x0D; BYTE $0x4F; BYTE $0x40

return:
	RET

// storeDenied is where storeFenced goes on after a fault: on its stack, it returns true to its caller.
TEXT ·storeDenied(SB), NOSPLIT|NOFRAME, $0
	MOVB $1, 32(SP)
	RET

// busHandler is called by the kernel for SIGBUS, with the C calling convention: DI the signal, SI the siginfo, DX the ucontext. A fault of
// storeFenced at what it was about to store is answered here. Everything else is Go's.
TEXT ·busHandler(SB), NOSPLIT|NOFRAME, $0
	MOVQ 168(DX), AX // the program counter
	CMPQ AX, ·storeStart(SB)
	JB   others
	CMPQ AX, ·storeEnd(SB)
	JAE  others
	MOVQ 16(SI), CX // the fault's address
	SUBQ 104(DX), CX // less DI
	CMPQ CX, $64
	JAE  others
	LEAQ ·storeDenied(SB), AX
	MOVQ AX, 168(DX)
	RET

others:
	MOVQ ·goHandler(SB), AX
	JMP  AX

// func addresses() (store, handler uintptr)
TEXT ·addresses(SB), NOSPLIT, $0-16
	LEAQ ·storeFenced(SB), AX
	MOVQ AX, store+0(FP)
	LEAQ ·busHandler(SB), AX
	MOVQ AX, handler+8(FP)
	RET
