package selftest

import (
	"os"
	"path/filepath"

	"tripline/sensor/selftest/ways"
)

// excluded is a path that the shipped rule leaves out.
const excluded = "/usr/sbin/sshd"

// What a process can call itself to mislead who reads records.
const (
	hostileComm = "\" type=SYSCA\n\xff\x1b"
	hostileName = "a \"b\" 'c'\n type=SYSCALL msg=audit(1.1:1): exe=\"sshd\" \x1b[2J\xff\\;$(x)"
)

// hostileArgs are arguments of the same kind.
func hostileArgs() []string {
	return []string{
		"", " ", "\"", "type=SYSCALL msg=audit(1.1:1): syscall=112 success=yes", "line\nbreak", "\x1b]0;title\a", "\xff\xfe", "-x", "exe=\"" + excluded + "\"",
	}
}

// disguises are about how a process looks in records.
func disguises() []Technique {
	act := func(*stage) error { return connectSetsid() }
	return []Technique{
		{
			Name: "excluded-chroot", What: "a program that is " + excluded + " in its chroot connects and calls setsid", folder: true, act: act,
			run: func(s *stage) error { return s.becomeIn(ways.Chroot(s.folder, excluded)) },
		},
		{
			Name: "excluded-bind", What: "a program that is mounted over " + excluded + " for itself alone connects and calls setsid", folder: true, act: act,
			run: func(s *stage) error { return s.becomeIn(ways.BindOver(s.folder, excluded)) },
		},
		{
			Name: "excluded-namespace", What: "a program that is " + excluded + " in a root file system of its own connects and calls setsid", folder: true, act: act,
			run: func(s *stage) error { return s.becomeIn(ways.OwnRoot(s.folder, excluded)) },
		},
		{
			Name: "hostile-comm", What: "a process whose name has quotes, a line break and bytes that are no text",
			run: func(*stage) error {
				return ways.InLeader(func() error {
					if err := ways.SetName(hostileComm); err != nil {
						return err
					}
					return connectSetsid()
				})
			},
		},
		{
			Name: "hostile-path", What: "a program whose path has quotes, line breaks, a record's beginning and bytes that are no text", folder: true, act: act,
			run: func(s *stage) error {
				if err := os.Mkdir(filepath.Join(s.folder, hostileName), 0o700); err != nil {
					return err
				}
				return s.becomeCopy(filepath.Join(hostileName, hostileName))
			},
		},
		{
			Name: "hostile-args", What: "a program whose arguments have quotes, line breaks, records and bytes that are no text", act: act,
			run: func(s *stage) error { return s.become(ways.Self, hostileArgs()...) },
		},
	}
}

// becomeIn goes on as the program at the excluded path once that is prepared.
func (s *stage) becomeIn(prepared error) error {
	if prepared != nil {
		return prepared
	}
	return s.become(excluded)
}
