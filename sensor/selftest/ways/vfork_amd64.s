#include "textflag.h"

// func vforkConnectSetsid(actor *vforkActor) int
TEXT ·vforkConnectSetsid(SB), NOSPLIT, $0-16
	MOVQ actor+0(FP), BX
	MOVQ 0(BX), DI  // flags
	XORQ SI, SI     // the same stack
	MOVQ 8(BX), DX  // pid
	XORQ R10, R10
	XORQ R8, R8
	MOVQ $56, AX    // clone
	SYSCALL
	TESTQ AX, AX
	JNE parent

	MOVQ 16(BX), DI // gate
	MOVQ 24(BX), SI // letter
	MOVQ $1, DX
	XORQ AX, AX     // read
	SYSCALL
	MOVQ 32(BX), DI // socket
	MOVQ 40(BX), SI // address
	MOVQ 48(BX), DX // length
	MOVQ $42, AX    // connect
	SYSCALL
	MOVQ $112, AX   // setsid
	SYSCALL
	XORQ DI, DI
	CMPQ AX, $0
	JGT leave
	MOVQ $1, DI
leave:
	MOVQ $231, AX   // exit_group
	SYSCALL
	INT $3

parent:
	MOVQ AX, ret+8(FP)
	RET
