package selftest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"tripline/sensor/selftest/ways"
)

// nobody is the user without rights of most systems.
const nobody = 65534

// firstFile is the descriptor of the first file that an actor is given, and
// programFile the path of the program where that is the file: so it can be
// executed by users who must not enter its folder.
const (
	firstFile   = 3
	programFile = "/proc/self/fd/3"
)

// identities are about who the process is.
func identities() []Technique {
	return []Technique{{
		Name: "setuid", What: "a set-user-id root program that another user starts connects and calls setsid", folder: true,
		run: func(s *stage) error { return s.asUser(partSetuid, 0o755|os.ModeSetuid, asNobody()) },
	}}
}

// asNobody makes an actor nobody's.
func asNobody() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// asRootOfNobody makes an actor root in a user namespace, where it is nobody to
// the host.
func asRootOfNobody() *syscall.SysProcAttr {
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: nobody, Size: 1}}
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids,
		Credential: &syscall.Credential{NoSetGroups: true},
	}
}

// asUser lets an actor play its part as another user, through a copy of the
// program with the given mode that lies where nobody else can get at it.
func (s *stage) asUser(part string, mode os.FileMode, who *syscall.SysProcAttr) error {
	path := filepath.Join(s.folder, "program")
	if err := ways.Copy(path, mode); err != nil {
		return err
	}
	program, err := os.Open(path)
	if err != nil {
		return err
	}
	err = s.alone(part, who, program)
	if who.Cloneflags != 0 && (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSPC)) {
		err = fmt.Errorf("%w: a user namespace: %w", ways.ErrImpossible, err)
	}
	return errors.Join(err, program.Close())
}

// setuidSetsid is the part of the program that makes its user root.
func setuidSetsid() error {
	if os.Geteuid() != 0 || os.Getuid() == 0 {
		return fmt.Errorf("%w: set-user-id programs change nothing here: user %d, effective user %d", ways.ErrImpossible, os.Getuid(), os.Geteuid())
	}
	return connectSetsid()
}

// inherited lets a child connect the parent's socket.
func inherited(s *stage) error {
	fd, err := ways.Socket(syscall.SOCK_STREAM, ways.Discard4())
	if err != nil {
		return err
	}
	return s.alone(partGiven, nil, os.NewFile(uintptr(fd), "socket"))
}

// passed hands a socket to a child that has started already.
func passed(s *stage) error {
	fd, err := ways.Socket(syscall.SOCK_STREAM, ways.Discard4())
	if err != nil {
		return err
	}
	ours, theirs, err := ways.Pair()
	if err != nil {
		return err
	}
	child, err := s.actor(partReceived, nil, theirs)
	if err != nil {
		return err
	}
	if err := ways.Send(ours, fd); err != nil {
		return err
	}
	return child.play()
}

func receivedSetsid() error {
	fd, err := ways.Receive(firstFile)
	if err != nil {
		return err
	}
	return attemptSetsid(fd)
}
