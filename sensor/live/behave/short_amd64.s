#include "textflag.h"

// func shortProcess(kind uintptr, address *syscall.RawSockaddrInet4) (pid int)
//
// The child shares the memory and the stack of the caller, who waits for its end:
// it uses neither.
TEXT ·shortProcess(SB), NOSPLIT, $0-24
	MOVQ kind+0(FP), R12
	MOVQ address+8(FP), R13
	MOVQ $0x4111, DI // CLONE_VFORK | CLONE_VM | SIGCHLD
	XORQ SI, SI
	XORQ DX, DX
	XORQ R10, R10
	XORQ R8, R8
	MOVQ $56, AX     // clone
	SYSCALL
	TESTQ AX, AX
	JEQ  child
	MOVQ AX, pid+16(FP)
	RET

child:
	XORQ BX, BX  // exit status
	CMPQ R12, $2 // reuseSetsid
	JLT  connect
	MOVQ $112, AX // setsid
	SYSCALL
	TESTQ AX, AX
	JGE  detached
	ORQ  $1, BX

detached:
	CMPQ R12, $2
	JEQ  end

connect:
	MOVQ $2, DI  // AF_INET
	MOVQ $1, SI  // SOCK_STREAM
	XORQ DX, DX
	MOVQ $41, AX // socket
	SYSCALL
	MOVQ AX, DI
	MOVQ R13, SI
	MOVQ $16, DX
	MOVQ $42, AX // connect
	SYSCALL
	CMPQ AX, $-111 // ECONNREFUSED: nobody listens
	JEQ  connected
	ORQ  $2, BX

connected:
	CMPQ R12, $0 // reuseBoth
	JNE  end
	MOVQ $112, AX
	SYSCALL
	TESTQ AX, AX
	JGE  end
	ORQ  $1, BX

end:
	MOVQ BX, DI
	MOVQ $231, AX // exit_group
	SYSCALL
	INT  $3
