package kernel

import (
	"bytes"
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Alive says whether a process runs that may own the audit socket. The kernel
// notices only at the next record that an owner has died. It is asked with kill(2),
// because /proc may be hidden (hidepid) or not mounted; what a parent has not waited
// for yet is dead. A process that cannot be asked about is taken for alive, so that
// nothing is ever taken away from one that lives.
func Alive(pid uint32) bool {
	if pid == 0 || pid > 1<<31-1 {
		return false
	}
	if errors.Is(unix.Kill(int(pid), 0), unix.ESRCH) {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.FormatUint(uint64(pid), 10) + "/stat")
	return err != nil || !ended(stat)
}

// ended reads from /proc/PID/stat (proc(5)) whether the process has ended: its
// state is Z or X, and no other thread of it goes on.
func ended(stat []byte) bool {
	const state, threads = 0, 17 // behind the name, which is in brackets
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= threads {
		return false
	}
	others, err := strconv.Atoi(string(fields[threads]))
	return err == nil && others <= 1 && bytes.ContainsAny(fields[state][:1], "ZXx")
}
