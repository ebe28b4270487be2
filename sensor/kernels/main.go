// Kernels boots kernels in an emulator, with the sensor inside, and shows what it
// does on each: make test-kernels. Kernels that are named are booted; without
// any, Debian's of several releases, which are fetched once and kept.
//
// Usage: kernels [FLAGS] [BZIMAGE…]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, errFailed):
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(2)
	}
}

// errFailed says that a step failed, which the table has shown.
var errFailed = errors.New("steps failed")

// settings are the flags.
type settings struct {
	folder, suites, mirror, emulator string
	limit                            time.Duration
	fetch                            bool
	soak, record                     string
}

// run boots the kernels one after another and prints the table.
func run(ctx context.Context, args []string, to io.Writer) error {
	var s settings
	set := flag.NewFlagSet("kernels", flag.ContinueOnError)
	set.StringVar(&s.folder, "folder", "dist/kernels", "keep kernels and logs in `FOLDER`")
	set.StringVar(&s.suites, "suites", "bullseye bookworm trixie sid", "the Debian releases whose kernels are booted where none is named")
	set.StringVar(&s.mirror, "mirror", "", "the Debian mirror's `URL`; empty for the one that this machine uses")
	set.StringVar(&s.emulator, "emulator", "qemu-system-x86_64", "the emulator's `PROGRAM`")
	set.DurationVar(&s.limit, "limit", 10*time.Minute, "how long one boot with its steps may take")
	set.StringVar(&s.soak, "soak", "", "boot the first kernel for a soak with `ARGUMENTS`, separated by commas, such as -for=1h")
	set.StringVar(&s.record, "record", "dist/soak.ndjson", "keep the soak's record in `FILE`")
	set.BoolVar(&s.fetch, "fetch", false, "only fetch what is not there yet")
	if err := set.Parse(args); err != nil {
		return err
	}
	kernels, err := s.kernels(ctx, set.Args(), to)
	if err != nil || s.fetch {
		return err
	}
	images := filepath.Join(s.folder, "guest.cpio.gz")
	if err := buildGuest(ctx, images); err != nil {
		return err
	}
	if s.soak != "" {
		return s.soakIn(ctx, kernels[0], images)
	}
	var tried []*outcome
	for _, kernel := range kernels {
		tried = append(tried, s.try(ctx, kernel, images, to))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if failed := printTable(to, tried); failed > 0 {
		fmt.Fprintf(to, "%d steps failed; logs are in %s\n", failed, filepath.Join(s.folder, "logs"))
		return errFailed
	}
	return nil
}

// kernels finds the kernels to boot.
func (s settings) kernels(ctx context.Context, named []string, to io.Writer) ([]string, error) {
	for _, path := range named {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("no kernel: %w", err)
		}
	}
	if len(named) > 0 {
		return named, nil
	}
	var found []string
	for _, suite := range strings.Fields(s.suites) {
		path, err := s.debianKernel(ctx, suite)
		if err != nil {
			return nil, fmt.Errorf("having the kernel of Debian's %s: %w; name kernels by path instead: make test-kernels KERNELS=…", suite, err)
		}
		fmt.Fprintln(to, suite, "has", filepath.Base(path))
		found = append(found, path)
	}
	return found, nil
}
