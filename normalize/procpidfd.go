package normalize

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// procPidfdLimit bounds the descriptors that are kept open.
const procPidfdLimit = 512

// procPidfds keeps a descriptor for each of the processes used last: one of
// pidfd_open(2), or of its folder in /proc on kernels before 5.3. A descriptor names
// one process for ever, which makes it the cheapest way to notice that a pid has
// gone to another one.
type procPidfds struct {
	open *procTable[uint32, int]
	// folders has the folders, nil for those of pidfd_open.
	folders *procFiles
}

// newProcPidfds returns nil where root is not a proc file system.
func newProcPidfds(root string) *procPidfds {
	if !procIsMounted(root) {
		return nil
	}
	if !procHasPidfds() {
		return newProcFolders(root)
	}
	return newProcDescriptors(nil)
}

// newProcFolders is newProcPidfds as on a kernel without pidfd_open.
func newProcFolders(root string) *procPidfds { return newProcDescriptors(newProcFiles(root)) }

func newProcDescriptors(folders *procFiles) *procPidfds {
	closeOne := func(_ uint32, fd *int) { _ = unix.Close(*fd) }
	return &procPidfds{open: newProcTable(procPidfdShare(), closeOne), folders: folders}
}

// procHasPidfds says whether the kernel has pidfds and lets them be used.
func procHasPidfds() bool {
	// A seccomp filter may refuse the calls with an error that means something
	// else otherwise.
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	return unix.PidfdSendSignal(fd, 0, nil, 0) == nil
}

// procPidfdShare leaves most of the descriptors that this process may have to
// its other work.
func procPidfdShare() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 64
	}
	return int(max(1, min(procPidfdLimit, limit.Cur/4)))
}

// procIsMounted says whether root is a proc file system and not a copy of one.
func procIsMounted(root string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(root, &fs) == nil && int64(fs.Type) == unix.PROC_SUPER_MAGIC //nolint:unconvert // 32 bits on some architectures
}

// keep opens a descriptor of a process, in place of one that was kept of the pid
// before. It returns ESRCH where there is no such process; after any other
// error there may be one, and pid may be one of its threads, which have folders
// but no pidfds.
func (p *procPidfds) keep(pid uint32) error {
	p.drop(pid)
	var fd int
	var err error
	if p.folders == nil {
		fd, err = unix.PidfdOpen(int(pid), 0)
	} else if fd, err = p.folders.open(pid, "", unix.O_RDONLY|unix.O_DIRECTORY); errors.Is(err, unix.ENOENT) {
		err = unix.ESRCH
	}
	if err == nil {
		p.open.put(pid, fd)
	}
	return err
}

// runs says whether the process whose descriptor is kept has not been reaped yet.
// known is false where there is no descriptor or it does not tell.
func (p *procPidfds) runs(pid uint32) (runs, known bool) {
	fd := p.open.get(pid)
	if fd == nil {
		return false, false
	}
	var err error
	if p.folders == nil {
		err = unix.PidfdSendSignal(*fd, 0, nil, 0)
	} else if err = procExists(*fd, []byte("stat\x00")); errors.Is(err, unix.ENOENT) {
		err = unix.ESRCH
	}
	switch {
	case err == nil, errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return true, true // the right to send a signal is checked after the existence
	case errors.Is(err, unix.ESRCH):
		return false, true
	default:
		return false, false
	}
}

// drop closes the descriptor of a process.
func (p *procPidfds) drop(pid uint32) { p.open.drop(pid) }

// close closes all descriptors.
func (p *procPidfds) close() { p.open.dropIf(func(uint32, *int) bool { return true }) }
