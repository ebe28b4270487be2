#include "textflag.h"

// func vforkConnectSetsid(actor *vforkActor) int
TEXT ·vforkConnectSetsid(SB), NOSPLIT, $0-8
	MOVL actor+0(FP), BP
	MOVL 0(BP), BX   // flags
	XORL CX, CX      // the same stack
	MOVL 4(BP), DX   // pid
	XORL SI, SI
	XORL DI, DI
	MOVL $120, AX    // clone
	INT $0x80
	TESTL AX, AX
	JNE parent

	MOVL 8(BP), BX   // gate
	MOVL 12(BP), CX  // letter
	MOVL $1, DX
	MOVL $3, AX      // read
	INT $0x80
	MOVL $3, BX      // connect
	MOVL 28(BP), CX  // subcall
	MOVL $102, AX    // socketcall
	INT $0x80
	MOVL $66, AX     // setsid
	INT $0x80
	XORL BX, BX
	CMPL AX, $0
	JGT leave
	MOVL $1, BX
leave:
	MOVL $252, AX    // exit_group
	INT $0x80
	INT $3

parent:
	MOVL AX, ret+4(FP)
	RET
