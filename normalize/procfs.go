package normalize

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// procFiles reads files of processes under root into a buffer of its own. It
// does not allocate, which is why it makes system calls itself: package os
// allocates for each file. It reads no file that needs a process's memory
// (cmdline, environ, maps), because that may block for as long as the process
// likes.
type procFiles struct {
	root string
	// device is the file system of root, procNoDevice where that shows other
	// processes. Something else may be mounted over one of its folders, or over
	// all of it.
	device uint64
	path   []byte
	data   [4096]byte
}

func newProcFiles(root string) *procFiles {
	f := &procFiles{root: root, path: make([]byte, 0, len(root)+64)}
	var of unix.Stat_t
	switch {
	case procIsMounted(root) && !procShowsSelf(root):
		f.device = procNoDevice
	case unix.Stat(root, &of) == nil:
		f.device = uint64(of.Dev) //nolint:unconvert // 32 bits on some architectures
	}
	return f
}

// procNoDevice is no file system's number.
const procNoDevice = 1<<64 - 1

// procShowsSelf says whether a proc file system shows this process under the pid that
// it has. That of another pid namespace has other processes under all pids.
func procShowsSelf(root string) bool {
	self, err := procLinkText(root, "self")
	return err == nil && self == strconv.Itoa(unix.Getpid())
}

// read returns the first 4096 bytes of a file of a process, which is all of
// the files that it is used for. They are valid until the next call.
func (f *procFiles) read(pid uint32, name string) ([]byte, error) {
	fd, err := f.open(pid, name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written that could be lost
	n, err := unix.Read(fd, f.data[:])
	return f.data[:max(n, 0)], err
}

// open opens a file of a process, or its folder where name is empty. What is
// mounted over it from another file system is refused with EXDEV.
func (f *procFiles) open(pid uint32, name string, flags int) (int, error) {
	return procOpenOn(f.device, f.processPath(pid, name), flags|unix.O_NONBLOCK) // a pipe over it must not make anybody wait
}

// procOpenOn opens a file of a file system, and refuses one of another with EXDEV.
// The path ends with a NUL.
func procOpenOn(device uint64, path []byte, flags int) (int, error) {
	fd, err := procOpen(path, flags)
	if err != nil {
		return -1, err
	}
	var of unix.Stat_t
	if err = unix.Fstat(fd, &of); err == nil && uint64(of.Dev) != device { //nolint:unconvert // 32 bits on some architectures
		err = unix.EXDEV
	}
	if err != nil {
		_ = unix.Close(fd) // nothing was written that could be lost
		return -1, err
	}
	return fd, nil
}

// stat reads the stat file of the thread group that pid is in. Unless pid is known
// to be its leader, the status file says which group that is.
func (f *procFiles) stat(pid uint32, leader bool) (procStat, error) {
	if !leader {
		data, err := f.read(pid, "status")
		if err != nil {
			return procStat{}, err
		}
		// Another process's folder may be mounted over this one's.
		named, ok := procParseStatus(data, "Pid:")
		if !ok || named != pid {
			return procStat{}, unix.EBADMSG
		}
		if pid, ok = procParseStatus(data, "Tgid:"); !ok {
			return procStat{}, unix.EBADMSG
		}
	}
	data, err := f.read(pid, "stat")
	if err != nil {
		return procStat{}, err
	}
	stat, ok := procParseStat(data)
	if !ok || stat.pid != pid {
		return procStat{}, unix.EBADMSG
	}
	return stat, nil
}

// link returns the target of a symbolic link of a process, at most 4096 bytes
// of it. It is valid until the next call.
func (f *procFiles) link(pid uint32, name string) ([]byte, error) {
	if f.device == procNoDevice {
		return nil, unix.EXDEV
	}
	n, err := procReadlink(f.processPath(pid, name), f.data[:])
	return f.data[:max(n, 0)], err
}

// processPath is root/PID/name, ended with a NUL.
func (f *procFiles) processPath(pid uint32, name string) []byte {
	f.path = append(procAppendPath(f.path[:0], f.root, pid, name), 0)
	return f.path
}

// procAppendPath appends root/PID/name.
func procAppendPath(path []byte, root string, pid uint32, name string) []byte {
	path = append(append(path, root...), '/')
	path = strconv.AppendUint(path, uint64(pid), 10)
	return append(append(path, '/'), name...)
}

// procStat is what identities need of /proc/PID/stat, see proc(5).
type procStat struct {
	pid, ppid uint32
	// ticks is the start time in clock ticks since the host was booted.
	ticks uint64
}

// procParseStat reads the content of a stat file. The name in it may contain
// anything, parentheses, spaces and line feeds included, but nothing after it
// contains a parenthesis.
func procParseStat(data []byte) (stat procStat, ok bool) {
	_, fields, ok := stat.begin(data)
	if !ok {
		return stat, false
	}
	stat.ppid = fields.pid(procParentField)
	stat.ticks = fields.count(procStartField)
	return stat, !fields.bad
}

// begin reads what a stat file begins with: the pid and the name.
func (s *procStat) begin(data []byte) (name []byte, others procFields, ok bool) {
	open, end := bytes.IndexByte(data, '('), -1
	for next := bytes.IndexByte(data, ')'); next >= 0; next = bytes.IndexByte(data[end+1:], ')') {
		end += next + 1 // faster from the front, and there is mostly one
	}
	if open < 1 || end < open {
		return nil, procFields{}, false
	}
	s.pid, ok = procParsePID(bytes.TrimRight(data[:open], " "))
	return data[open+1 : end], procFields{rest: data[end+1:], next: 3}, ok
}

// The fields of a stat file that are asked for, by their numbers.
const (
	procParentField   = 4
	procGroupField    = 5
	procSessionField  = 6
	procTerminalField = 7
	procStartField    = 22
	procStackField    = 28
)

// procFields are the fields of a stat file behind the name. They are read in their
// order, each once.
type procFields struct {
	rest []byte
	next int // the number of the first field of the rest
	// bad is that a field was missing, or not as it must be.
	bad bool
}

// number reads a field; it is 0 and not known where the field is no count, as those of
// signed numbers may be.
func (f *procFields) number(field int) (value uint64, known bool) {
	rest, ok := procSkipFields(f.rest, field-f.next)
	var text []byte
	if ok {
		text, f.rest, ok = procCutField(rest)
	}
	if !ok {
		f.rest, f.bad = nil, true
		return 0, false
	}
	f.next = field + 1
	return procParseUint(text)
}

// count reads a field that has to be a count.
func (f *procFields) count(field int) uint64 {
	value, known := f.number(field)
	f.bad = f.bad || !known
	return value
}

// pid reads a field that has to be the id of a process, or 0.
func (f *procFields) pid(field int) uint32 {
	value := f.count(field)
	f.bad = f.bad || value >= 1<<31
	return uint32(value)
}

// procSkipFields leaves some fields out, each as procCutField cuts one.
func procSkipFields(data []byte, count int) (rest []byte, ok bool) {
	at := 0
	for range count {
		if at >= len(data) || data[at] != ' ' {
			return nil, false
		}
		begin := at + 1
		for at = begin; at < len(data) && data[at] != ' ' && data[at] != '\n'; {
			at++
		}
		if at == len(data) || at == begin {
			return nil, false
		}
	}
	return data[at:], true
}

// procCutField cuts the first field off data, which starts with a space. A field
// must be followed by something, so that the last one of a text that was cut off
// does not count.
func procCutField(data []byte) (field, rest []byte, ok bool) {
	if len(data) == 0 || data[0] != ' ' {
		return nil, nil, false
	}
	for end := 1; end < len(data); end++ {
		if data[end] == ' ' || data[end] == '\n' {
			return data[1:end], data[end:], end > 1
		}
	}
	return nil, nil, false
}

// procParseStatus finds a process id in the content of a status file, see proc(5):
// "Pid:" is the thread's, "Tgid:" its group's. The name in it cannot contain a line
// feed: the kernel escapes it.
func procParseStatus(data []byte, key string) (pid uint32, ok bool) {
	for line := range bytes.Lines(data) {
		value, found := bytes.CutPrefix(line, []byte(key))
		if found && bytes.HasSuffix(value, []byte("\n")) {
			return procParsePID(bytes.TrimSpace(value))
		}
	}
	return 0, false
}

func procParsePID(text []byte) (uint32, bool) {
	number, ok := procParseUint(text)
	if !ok || number >= 1<<31 {
		return 0, false
	}
	return uint32(number), true
}

// procParseUint is strconv.ParseUint for bytes, without its allocation.
func procParseUint(text []byte) (uint64, bool) {
	if len(text) == 0 {
		return 0, false
	}
	var number uint64
	for _, c := range text {
		digit := uint64(c - '0')
		if digit > 9 || number > (1<<64-1-digit)/10 {
			return 0, false
		}
		number = 10*number + digit
	}
	return number, true
}
