package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// buildGuest builds the programs of the guest and packs them as the file system
// from which kernels start.
func buildGuest(ctx context.Context, to string) error {
	folder, err := os.MkdirTemp("", "tripline-guest-")
	if err != nil {
		return fmt.Errorf("making a folder for the guest's programs: %w", err)
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	var files []file
	for _, name := range []string{"bin", "dev", "etc", "proc", "run", "sys", "tmp", "var", "var/log"} {
		files = append(files, file{path: name})
	}
	files = append(files, []file{
		{path: "dev/console", device: [2]uint32{5, 1}},
		{path: "dev/null", device: [2]uint32{1, 3}},
		{path: "dev/zero", device: [2]uint32{1, 5}},
		{path: "dev/random", device: [2]uint32{1, 8}},
		{path: "dev/urandom", device: [2]uint32{1, 9}},
		{path: "dev/tty", device: [2]uint32{5, 0}},
		{path: "dev/ttyS0", device: [2]uint32{4, 64}},
		{path: "dev/ttyS1", device: [2]uint32{4, 65}},
		{path: "etc/passwd", data: []byte("root:x:0:0:root:/:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n")},
		{path: "etc/os-release", data: []byte("ID=guest\nNAME=\"Kernel matrix guest\"\nVERSION_ID=1\n")},
		{path: "etc/machine-id", data: []byte("6b65726e656c206d6174726978206775\n")},
	}...)
	for _, program := range []struct{ path, from, arch string }{
		{"init", "tripline/sensor/kernels/guest", "amd64"},
		{"bin/tripline", "tripline/cmd/tripline", "amd64"},
		{"bin/tripline32", "tripline/cmd/tripline", "386"},
		{"bin/soak", "tripline/sensor/live/soak", "amd64"},
		{"bin/behave", "tripline/sensor/live/behave", "amd64"},
		{"bin/behave32", "tripline/sensor/live/behave", "386"},
	} {
		output := filepath.Join(folder, filepath.Base(program.path))
		if err := compile(ctx, output, program.from, program.arch); err != nil {
			return err
		}
		data, err := os.ReadFile(output)
		if err != nil {
			return fmt.Errorf("reading a program that was built: %w", err)
		}
		files = append(files, file{path: program.path, data: data, program: true})
	}
	return writeImage(to, files)
}

func compile(ctx context.Context, output, from, arch string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", output, from)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s for %s: %w\n%s", from, arch, err, out)
	}
	return nil
}
