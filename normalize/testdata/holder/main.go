// Holder is a program that waits, under a name that it has in a mount namespace of
// its own if its arguments say so:
//
//	holder hold
//	holder private FILE PATH   bind FILE over PATH where only it sees that, execute PATH
//	holder pivot ROOT PATH     make ROOT the root of a mount namespace, execute PATH in it
//	holder exec PATH           wait for a line, execute PATH
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
)

func main() {
	runtime.LockOSThread()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "holder:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch args[0] {
	case "hold":
		fmt.Println("ready")
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	case "private":
		if err := unshare(); err != nil {
			return err
		}
		if err := syscall.Mount(args[1], args[2], "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s over %s: %w", args[1], args[2], err)
		}
		return hold(args[2])
	case "pivot":
		if err := pivot(args[1]); err != nil {
			return err
		}
		return hold(args[2])
	case "exec":
		fmt.Println("ready")
		if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
			return err
		}
		return hold(args[1])
	}
	return fmt.Errorf("unknown action %q", args[0])
}

func unshare() error {
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	return syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
}

// pivot makes a folder the root of a mount namespace, as container runtimes do.
func pivot(root string) error {
	if err := unshare(); err != nil {
		return err
	}
	if err := syscall.Mount(root, root, "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	if err := syscall.Chdir(root); err != nil {
		return err
	}
	if err := syscall.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	return syscall.Unmount(".", syscall.MNT_DETACH)
}

func hold(path string) error {
	return syscall.Exec(path, []string{path, "hold"}, os.Environ())
}
