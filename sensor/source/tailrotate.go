package source

import (
	"errors"
	"os"
	"strconv"
	"syscall"
)

// maxRotated is how many rotated logs are looked through for the one that was
// being read; auditd keeps at most 999 (num_logs of auditd.conf(5)).
const maxRotated = 999

// follow is called at the end of the open log. It finds out whether it was cut
// or whether there is a newer one, and reports whether there is more to read.
func (t *Tail) follow() bool {
	now, err := os.Stat(t.options.Path)
	if errors.Is(err, os.ErrNotExist) {
		// Between renaming and creating; what still comes is read from the old one.
		t.say(t.options.Path + " is missing: waiting until it is back")
		return false
	}
	if err != nil {
		t.say("looking at the audit daemon's log: " + err.Error())
		return false
	}
	current, err := t.file.Stat()
	if err != nil {
		t.leave()
		return true
	}
	if os.SameFile(now, current) {
		return t.stay(now.Size())
	}
	if !t.final {
		t.final = true
		return true
	}
	t.lines.rest()
	return t.advance(t.successor(current))
}

// stay goes on in the same file, from its beginning if it was cut (logrotate's
// copytruncate).
func (t *Tail) stay(size int64) bool {
	t.settle()
	if size >= t.offset {
		return false
	}
	t.lines.rest()
	t.lines.line = 0
	t.offset = 0
	return true
}

// successor is the log that came after the current one, which auditd renamed to
// Path.1 and, at each further rotation, to the next number.
func (t *Tail) successor(current os.FileInfo) string {
	next := t.options.Path
	for i := 1; i <= maxRotated; i++ {
		name := t.options.Path + "." + strconv.Itoa(i)
		info, err := os.Stat(name)
		if err != nil {
			break
		}
		if os.SameFile(info, current) {
			return next
		}
		next = name
	}
	if stat, ok := current.Sys().(*syscall.Stat_t); ok && stat.Nlink == 0 {
		t.options.Notify("the log that was being read was removed: what followed it before " + t.options.Path + " may be missing")
	}
	return t.options.Path
}

// advance goes on at the beginning of another log. Where that cannot be opened,
// the present one stays, and this is tried again.
func (t *Tail) advance(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			t.say("opening the audit daemon's log: " + err.Error())
		}
		return false
	}
	t.leave()
	t.file = file
	t.settle()
	return true
}

// leave closes the open log. What is left of its last line was handed out.
func (t *Tail) leave() {
	if t.file != nil {
		_ = t.file.Close() // only read
	}
	t.file, t.offset, t.final = nil, 0, false
	t.lines.forget()
}
