package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"tripline/sensor/selftest/ways"
)

// privately executes PATH with an ACTION in a mount namespace of its own where
// FILE is bound over PATH. The argument is FILE,PATH,ACTION.
func privately(argument string) error {
	words := strings.Split(argument, ",")
	if len(words) != 3 {
		return fmt.Errorf("write FILE,PATH,ACTION, not %q", argument)
	}
	if err := ownMounts(); err != nil {
		return err
	}
	if err := unix.Mount(words[0], words[1], "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s over %s: %w", words[0], words[1], err)
	}
	return become(words[1], words[2])
}

// contained executes PATH with an ACTION where the folder ROOT is the root of a
// mount namespace, as in a container. The argument is ROOT,PATH,ACTION.
func contained(argument string) error {
	words := strings.Split(argument, ",")
	if len(words) != 3 {
		return fmt.Errorf("write ROOT,PATH,ACTION, not %q", argument)
	}
	if err := ownMounts(); err != nil {
		return err
	}
	if err := unix.Mount(words[0], words[0], "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", words[0], err)
	}
	if err := unix.Chdir(words[0]); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	return become(words[1], words[2])
}

// ownMounts gives this process a mount namespace whose changes nobody else sees.
func ownMounts() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("%w: unshare: %w", ways.ErrImpossible, err)
	}
	return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
}

// become executes this program's file at a path, as another action.
func become(path, action string) error {
	return syscall.Exec(path, []string{path, action}, os.Environ())
}
