package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// leastDepth bounds the ancestors that are looked at.
const leastDepth = 32

// least is what no sensor can do without that says as much of a process as an alert
// does: the system calls that ask the kernel at each of the two events, and those that put
// as many bytes on the disk. Without a writer it reads nothing of what the kernel answers
// but who the parents are.
type least struct {
	file *os.File
	// text is as long as an alert.
	text   []byte
	pidfds map[string]int
	// stats are the stat files of parents, which stay open.
	stats map[string]int
	data  [4096]byte

	// writer, if set, is given alerts whose text is made of the answers.
	writer chan leastAlert
	// answers are those about the event in work, as members of a JSON object, and connects
	// those about the connects of processes.
	answers  []byte
	connects map[string][]byte
}

// leastAlert is an alert of a process that is to be put on the disk.
type leastAlert struct {
	pid  string
	text []byte
}

// leastAlerts is an audit daemon that does so for each process that connects and then
// calls setsid, and says when that one is on the disk. SIZE:FILE is how many bytes an
// alert has and where it goes.
func leastAlerts(sizeAndFile string) error {
	l, err := newLeast(sizeAndFile)
	if err != nil {
		return err
	}
	return l.run()
}

// leastDocuments is leastAlerts for a sensor that also writes what it was answered, and
// whose events do not wait for the disk: another goroutine does.
func leastDocuments(sizeAndFile string) error {
	l, err := newLeast(sizeAndFile)
	if err != nil {
		return err
	}
	l.writer, l.connects = make(chan leastAlert, 16), make(map[string][]byte)
	go func() {
		for alert := range l.writer {
			l.store(alert)
		}
	}()
	return l.run()
}

func newLeast(sizeAndFile string) (*least, error) {
	size, path, _ := strings.Cut(sizeAndFile, ":")
	count, err := strconv.Atoi(size)
	if err != nil {
		return nil, err
	}
	l := &least{text: append(bytes.Repeat([]byte("x"), count), '\n'), pidfds: make(map[string]int), stats: make(map[string]int)}
	l.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	return l, err
}

func (l *least) run() error {
	connect, setsid := syscallWord(unix.SYS_CONNECT), syscallWord(unix.SYS_SETSID)
	return receiveOneByOne(func(record []byte) {
		pid := recordWord(record, " pid=")
		switch {
		case bytes.Contains(record, connect):
			l.connected(pid)
		case bytes.Contains(record, setsid):
			l.detached(pid)
		}
	})
}

// store puts an alert on the disk and says when it was.
func (l *least) store(alert leastAlert) {
	_, err := l.file.Write(alert.text)
	err = errors.Join(err, l.file.Sync())
	at := time.Now().UnixNano()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(alert.pid, at)
}

func syscallWord(number int) []byte { return []byte(" syscall=" + strconv.Itoa(number) + " ") }

// recordWord is the value of a field that is a number.
func recordWord(record []byte, key string) string {
	_, after, _ := bytes.Cut(record, []byte(key))
	value, _, _ := bytes.Cut(after, []byte(" "))
	return string(value)
}

// connected looks at a process when it has connected.
func (l *least) connected(pid string) {
	l.link(pid, "exe")
	if number, err := strconv.Atoi(pid); err == nil {
		if fd, err := unix.PidfdOpen(number, 0); err == nil {
			l.pidfds[pid] = fd
		}
	}
	parent := parentIn(l.read(pid, "stat"))
	l.runs(pid)
	l.read(pid, "cmdline")
	l.read(pid, "cgroup")
	l.link(pid, "ns/mnt")
	for range leastDepth {
		if parent == "" || parent == "0" {
			break
		}
		parent = parentIn(l.kept(parent))
	}
	l.read(pid, "stat")
	if l.writer != nil {
		l.connects[pid] = bytes.Clone(l.answers)
		l.answers = l.answers[:0]
	}
}

// detached looks at what setsid(2) and time may have changed, and stores an alert.
func (l *least) detached(pid string) {
	l.link(pid, "exe")
	l.runs(pid)
	l.kept(parentIn(l.read(pid, "stat")))
	l.link(pid, "ns/mnt")
	if l.writer == nil {
		l.store(leastAlert{pid, bytes.Clone(l.text)})
		return
	}
	l.writer <- leastAlert{pid, l.document(pid)}
	delete(l.connects, pid)
	l.answers = l.answers[:0]
}

// document is an alert of both events of a process, and of the process itself, as long
// as others.
func (l *least) document(pid string) []byte {
	text := make([]byte, 0, len(l.text))
	for _, members := range [][]byte{l.connects[pid], l.connects[pid], l.answers, l.answers} {
		text = append(append(append(text, ",{"...), bytes.TrimPrefix(members, []byte(","))...), '}')
	}
	text[0] = '['
	return append(text, l.text[min(len(text), len(l.text)-1):]...)
}

// note writes an answer down.
func (l *least) note(name string, answer []byte) []byte {
	if l.writer != nil {
		l.answers = append(strconv.AppendQuote(append(l.answers, ','), name), ':')
		l.answers = strconv.AppendQuote(l.answers, string(answer))
	}
	return answer
}

// read reads a file of a process.
func (l *least) read(pid, name string) []byte {
	fd, err := unix.Open("/proc/"+pid+"/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	n, _ := unix.Read(fd, l.data[:]) // what is missing then is missing
	_ = unix.Close(fd)               // it was only read
	return l.note(name, l.data[:max(n, 0)])
}

// kept reads a stat file that stays open.
func (l *least) kept(pid string) []byte {
	fd, open := l.stats[pid]
	if !open {
		var err error
		if fd, err = unix.Open("/proc/"+pid+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return nil
		}
		l.stats[pid] = fd
	}
	n, _ := unix.Pread(fd, l.data[:], 0) // nothing where the process has ended
	return l.note(pid, l.data[:max(n, 0)])
}

// parentIn is the parent that a stat file names, empty where there is none.
func parentIn(stat []byte) string {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return ""
	}
	return string(fields[1])
}

func (l *least) link(pid, name string) {
	n, _ := unix.Readlink("/proc/"+pid+"/"+name, l.data[:]) // what is missing then is missing
	l.note(name, l.data[:max(n, 0)])
}

// runs asks whether a process runs still.
func (l *least) runs(pid string) { _ = unix.PidfdSendSignal(l.pidfds[pid], 0, nil, 0) }
