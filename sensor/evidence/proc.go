package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// procFileLimit bounds, in bytes, what is read of one file of /proc.
const procFileLimit = 64 << 10

// proc reads files of processes below root, see proc(5).
type proc struct{ root string }

func (p proc) path(pid uint32, name string) string {
	return filepath.Join(p.root, strconv.FormatUint(uint64(pid), 10), name)
}

// read returns the beginning of a process's file.
func (p proc) read(pid uint32, name string) ([]byte, error) {
	return readStart(p.path(pid, name), procFileLimit)
}

func (p proc) text(pid uint32, name string) string {
	data, _ := p.read(pid, name) // empty where it is not known
	return strings.TrimSpace(string(data))
}

func (p proc) link(pid uint32, name string) (string, error) {
	return os.Readlink(p.path(pid, name))
}

// readStart returns at most limit bytes of a file. It does not wait for the
// other end of a pipe.
func readStart(path string, limit int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	return io.ReadAll(io.LimitReader(file, limit))
}

// gone says that an error means that the process is no longer there.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// procStat is what evidence needs of /proc/PID/stat.
type procStat struct {
	name          string
	state         byte
	ppid, session uint32
	terminal      uint64
	flags         uint64
	start         uint64 // in clock ticks after boot
}

// kernelThread is PF_KTHREAD of the kernel's include/linux/sched.h.
const kernelThread = 0x00200000

func (p proc) stat(pid uint32) (procStat, error) {
	data, err := p.read(pid, "stat")
	if err != nil {
		return procStat{}, err
	}
	stat, ok := parseStat(data)
	if !ok {
		return procStat{}, fmt.Errorf("%s has an unknown form", p.path(pid, "stat"))
	}
	return stat, nil
}

// parseStat reads a stat file. The name may contain anything, but nothing after
// it contains a parenthesis.
func parseStat(data []byte) (stat procStat, ok bool) {
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return stat, false
	}
	stat.name = string(data[open+1 : end])
	fields := bytes.Fields(data[end+1:])
	const state, ppid, session, terminal, flags, start = 0, 1, 3, 4, 6, 19
	if len(fields) <= start || len(fields[state]) != 1 {
		return stat, false
	}
	stat.state = fields[state][0]
	number := func(index int) uint64 {
		n, err := strconv.ParseInt(string(fields[index]), 10, 64) // tty_nr may be negative
		ok = ok && err == nil
		return uint64(n)
	}
	ok = true
	stat.ppid, stat.session = uint32(number(ppid)), uint32(number(session))
	stat.terminal, stat.flags, stat.start = uint64(uint32(number(terminal))), number(flags), number(start)
	return stat, ok
}

// unset is the number that stands for nobody in loginuid and sessionid.
const unset = "4294967295"

// setOrEmpty is a number of loginuid or sessionid, empty where nobody logged in.
func setOrEmpty(number string) string {
	if number == unset {
		return ""
	}
	return number
}

// commandLineLimit bounds a command line in bytes.
const commandLineLimit = 4096

// commandLine shows the arguments of a process with spaces between them.
func (p proc) commandLine(pid uint32) (string, error) {
	data, err := readStart(p.path(pid, "cmdline"), commandLineLimit)
	if err != nil {
		return "", err
	}
	return strings.ToValidUTF8(string(bytes.ReplaceAll(bytes.TrimRight(data, "\x00"), []byte{0}, []byte{' '})), "\ufffd"), nil
}

const deletedSuffix = " (deleted)"

// executable is the path of a process's executable, without the mark of a
// removed one.
func (p proc) executable(pid uint32) (path string, deleted bool, err error) {
	target, err := p.link(pid, "exe")
	path, deleted = strings.CutSuffix(target, deletedSuffix)
	return strings.ToValidUTF8(path, "\ufffd"), deleted, err
}

// effectiveUser is the effective user id of a process.
func (p proc) effectiveUser(pid uint32) string {
	data, _ := p.read(pid, "status") // empty where it is not known
	for line := range bytes.Lines(data) {
		if rest, ok := bytes.CutPrefix(line, []byte("Uid:")); ok {
			if ids := bytes.Fields(rest); len(ids) > 1 {
				return string(ids[1])
			}
		}
	}
	return ""
}

// processes lists the pids that there are, in no order.
func (p proc) processes() ([]uint32, error) {
	folder, err := os.Open(p.root)
	if err != nil {
		return nil, err
	}
	defer folder.Close() //nolint:errcheck // nothing was written
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pids := make([]uint32, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.ParseUint(name, 10, 32); err == nil {
			pids = append(pids, uint32(pid))
		}
	}
	return pids, nil
}
