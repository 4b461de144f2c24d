//go:build linux

#include "textflag.h"

// func barrierAll()
TEXT ·barrierAll(SB), NOSPLIT, $0-0
	DMB $0xb
	RET
