// Of plain_amd64.s: plain reductions.

// reduceAVX is what reducePlain does, from where the order is found: it comes from namedAVX, whose registers it has.
TEXT reduceAVX<>(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ Command_Qty(SI), CX
	MOVL order_open(R10), AX
	LEAQ -1(CX), DX
	LEAQ -1(AX), R15
	CMPQ DX, R15
	JCC  no // nothing is taken off, or nothing is left
	MOVL order_qty(R10), R15
	MOVQ R15, R9
	SUBQ AX, R9 // what is filled
	SUBQ CX, AX
	SUBQ CX, R15
	MOVQ AX, DX
	SHLQ $32, DX
	ORQ  R15, DX
	MOVQ DX, order_qty(R10) // and open

	MOVQ    e+16(FP), DX
	VINSERTI128 $1, Command_RefMsgType(SI), Y6, Y0 // and Epoch, InSeq
	VPSHUFB ·headOfOrder(SB), Y0, Y0
	VPOR    ·reducedHead(SB), Y0, Y0
	VMOVDQU X5, X3
	NUMBERS
	LESS(CX, X3)
	VPSLLDQ $8, X1, X2
	VMOVQ   R15, X0
	VINSERTI128 $1, X0, Y2, Y2
	VMOVDQU Y2, Event_Match(DX) // and Price, Qty, LastPrice
	VMOVQ   R9, X2
	VPSLLDQ $8, X2, X2
	VINSERTI128 $1, X2, Y3, Y2
	VMOVDQU Y2, Event_LastQty(DX) // and StopPrice, Shown, Cum
	VEXTRACTI128 $1, Y1, X1
	VMOVQ   AX, X0
	VPBLENDD $0x03, X0, X1, X1
	VINSERTI128 $1, order_name(R10), Y1, Y1
	VMOVDQU Y1, Event_Leaves(DX) // and Notional, ClientID
	VMOVDQU (order_name+16)(R10), Y2
	VPBLENDD $0xc0, Y4, Y2, Y2
	VMOVDQU Y2, (Event_ClientID+16)(DX)
	VMOVDQU Y4, (Event_ClientID+48)(DX)
	VZEROUPPER
	MOVQ    $const_done, did+32(FP)
	RET

no:
	JMP noneAVX<>(SB)
