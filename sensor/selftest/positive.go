package selftest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"tripline/sensor/selftest/ways"
)

// connections are the ways to connect by connect(2).
func connections() []Technique {
	const stream = syscall.SOCK_STREAM
	return []Technique{
		{Name: "connect-setsid", What: "connect to 127.0.0.1, refused, then setsid", run: func(*stage) error { return connectSetsid() }},
		{Name: "accepted", What: "connect to a listener on 127.0.0.1, then setsid", run: func(*stage) error {
			to, err := ways.Listen()
			if err != nil {
				return err
			}
			return connectAs(stream, to, 0)
		}},
		{Name: "nonblocking", What: "connect without waiting (EINPROGRESS), then setsid", run: func(*stage) error {
			return connectAs(stream|syscall.SOCK_NONBLOCK, ways.Discard4(), syscall.EINPROGRESS)
		}},
		{Name: "ipv6", What: "connect to ::1, then setsid", run: func(*stage) error {
			return connectAs(stream, ways.Discard6(), anyResult)
		}},
		{Name: "ipv6-nonblocking", What: "connect to ::1 without waiting, then setsid", run: func(*stage) error {
			return connectAs(stream|syscall.SOCK_NONBLOCK, ways.Discard6(), anyResult)
		}},
		{Name: "ipv6-mapped", What: "connect an IPv6 socket to ::ffff:127.0.0.1, then setsid", run: func(*stage) error {
			return connectAs(stream, ways.DiscardMapped(), anyResult)
		}},
		{Name: "unreachable", What: "connect where there is no route (an empty network namespace), then setsid", run: func(*stage) error {
			result, err := ways.Unreachable(unroutable())
			return thenSetsid(result, syscall.ENETUNREACH, err)
		}},
		{Name: "thread", What: "connect in a thread, setsid in the leader", run: func(*stage) error {
			if err := ways.InThread(connect4); err != nil {
				return err
			}
			return ways.InLeader(ways.Setsid)
		}},
		{Name: "thread-reverse", What: "connect in the leader, setsid in a thread", run: func(*stage) error {
			if err := ways.InLeader(connect4); err != nil {
				return err
			}
			return ways.InThread(ways.Setsid)
		}},
		{Name: "inherited", What: "connect a socket that the parent made, then setsid", run: inherited},
		{Name: "duplicated", What: "connect a duplicate of a socket, then setsid", run: duplicated},
		{Name: "passed", What: "connect a socket handed over by SCM_RIGHTS, then setsid", run: passed},
	}
}

// interfaces are the ways around connect(2) of the machine's own interface.
func interfaces() []Technique {
	const x32, ring, fastOpen = "by x32 programs", "connections through io_uring", "TCP fast open by "
	all := []Technique{
		{Name: "int80", What: "connect and setsid by 32-bit calls of a 64-bit program", run: func(*stage) error { return ways.Int80("connect") }},
		{Name: "socketcall", What: "connect by socketcall, setsid, both by 32-bit calls of a 64-bit program", run: func(*stage) error { return ways.Int80("socketcall") }},
		{Name: "x32", What: "connect and setsid by x32 calls", Blind: x32, run: func(*stage) error { return ways.X32() }},
	}
	for _, one := range []struct{ name, way, what string }{
		{"iouring", "plain", "connect through io_uring, then setsid"},
		{"iouring-async", "async", "connect in a worker thread of io_uring, then setsid"},
		{"iouring-sqpoll", "sqpoll", "connect by the polling thread of io_uring, then setsid"},
	} {
		all = append(all, Technique{Name: one.name, What: one.what, Blind: ring, run: func(*stage) error {
			if err := ways.IOUring(one.way); err != nil {
				return err
			}
			return ways.Setsid()
		}})
	}
	for _, call := range []string{"sendto", "sendmsg", "sendmmsg"} {
		words := fastOpen + "sendto and sendmmsg"
		if call == "sendmsg" {
			words = fastOpen + call
		}
		all = append(all, Technique{Name: "fastopen-" + call, What: "connect by " + call + " with MSG_FASTOPEN, then setsid", Blind: words, run: func(*stage) error {
			if err := ways.FastOpen(call); err != nil {
				return err
			}
			return ways.Setsid()
		}})
	}
	return append(all, Technique{
		Name: "vfork", What: "connect and setsid by bare system calls in the child of a vfork",
		run: func(s *stage) error { return ways.Vfork(s.announce) },
	})
}

// anyResult is for connects whose result depends on the host.
const anyResult = syscall.Errno(1 << 20)

// unroutable is an address for documentation (RFC 5737), which no route leads to
// where there is none at all.
func unroutable() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.1:9") }

// connect4 attempts a connection to loopback.
func connect4() error {
	_, _, err := ways.Connect(syscall.SOCK_STREAM, ways.Discard4())
	return err
}

// connectSetsid is the plain form of the behaviour.
func connectSetsid() error { return connectAs(syscall.SOCK_STREAM, ways.Discard4(), anyResult) }

// connectAs connects, sees that the kernel says to it what the sample is about,
// and calls setsid.
func connectAs(kind int, to netip.AddrPort, wanted syscall.Errno) error {
	_, result, err := ways.Connect(kind, to)
	return thenSetsid(result, wanted, err)
}

func thenSetsid(result, wanted syscall.Errno, err error) error {
	if err != nil {
		return err
	}
	if wanted != anyResult && result != wanted {
		return errors.New("connect ended with " + result.Error() + ", not with " + wanted.Error())
	}
	return ways.Setsid()
}

// attemptSetsid connects a socket that is there already.
func attemptSetsid(fd int) error {
	if result := ways.Attempt(fd, ways.Discard4()); result == syscall.EBADF || result == syscall.ENOTSOCK {
		return fmt.Errorf("connecting a socket that was given: %w", result)
	}
	return ways.Setsid()
}

func duplicated(*stage) error {
	fd, err := ways.Socket(syscall.SOCK_STREAM, ways.Discard4())
	if err != nil {
		return err
	}
	if fd, err = ways.Duplicate(fd); err != nil {
		return err
	}
	return attemptSetsid(fd)
}

// programs are about the file that the process executes.
func programs() []Technique {
	act := func(*stage) error { return connectSetsid() }
	return []Technique{
		{
			Name: "exec", What: "connect, execute another program, setsid",
			run: func(s *stage) error { return inTurn(connect4, func() error { return s.become(ways.Self) }) },
			act: func(*stage) error { return ways.Setsid() },
		},
		{
			Name: "deleted", What: "a program that deletes its file, then connects and calls setsid", folder: true,
			run: func(s *stage) error { return s.becomeCopy("program") },
			act: func(s *stage) error {
				return inTurn(func() error { return os.Remove(filepath.Join(s.folder, "program")) }, connectSetsid)
			},
		},
		{
			Name: "memfd", What: "a program that is only in memory connects and calls setsid",
			run: func(s *stage) error {
				path, err := ways.Memfd("tripline-selftest")
				if err != nil {
					return err
				}
				return s.become(path)
			},
			act: act,
		},
	}
}

// becomeCopy goes on as a copy of the program in the sample's folder.
func (s *stage) becomeCopy(name string) error {
	path := filepath.Join(s.folder, name)
	if err := ways.Copy(path, 0o700); err != nil {
		return err
	}
	return s.become(path)
}
