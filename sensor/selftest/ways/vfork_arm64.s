#include "textflag.h"

// func vforkConnectSetsid(actor *vforkActor) int
TEXT ·vforkConnectSetsid(SB), NOSPLIT, $0-16
	MOVD actor+0(FP), R19
	MOVD 0(R19), R0  // flags
	MOVD $0, R1      // the same stack
	MOVD 8(R19), R2  // pid
	MOVD $0, R3
	MOVD $0, R4
	MOVD $220, R8    // clone
	SVC
	CBNZ R0, parent

	MOVD 16(R19), R0 // gate
	MOVD 24(R19), R1 // letter
	MOVD $1, R2
	MOVD $63, R8     // read
	SVC
	MOVD 32(R19), R0 // socket
	MOVD 40(R19), R1 // address
	MOVD 48(R19), R2 // length
	MOVD $203, R8    // connect
	SVC
	MOVD $157, R8    // setsid
	SVC
	MOVD $0, R1
	CMP $0, R0
	BGT leave
	MOVD $1, R1
leave:
	MOVD R1, R0
	MOVD $94, R8     // exit_group
	SVC
	BRK

parent:
	MOVD R0, ret+8(FP)
	RET
