package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// metaPackage depends on the newest kernel of a Debian release: the build for
// virtual machines, which is the smallest and has everything built in that the
// guest needs.
const metaPackage = "linux-image-cloud-amd64"

// keyring checks the signatures of all releases, also newer ones than this
// machine's.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// debianKernel is the kernel of a Debian release, from the folder if it was
// fetched before.
func (s settings) debianKernel(ctx context.Context, suite string) (string, error) {
	kept, err := filepath.Glob(filepath.Join(s.folder, suite, "vmlinuz-*"))
	if err != nil {
		return "", err
	}
	if len(kept) > 0 {
		return kept[len(kept)-1], nil
	}
	mirror := s.mirror
	if mirror == "" {
		if mirror, err = machineMirror("/etc/apt"); err != nil {
			return "", err
		}
	}
	folder, err := filepath.Abs(filepath.Join(s.folder, suite))
	if err != nil {
		return "", err
	}
	a := apt{folder: filepath.Join(folder, "apt")}
	defer os.RemoveAll(a.folder) //nolint:errcheck // what is left of it is used again
	if err := a.prepare(fmt.Sprintf("deb [signed-by=%s] %s %s main\n", keyring, mirror, suite)); err != nil {
		return "", err
	}
	if _, err := a.run(ctx, "apt-get", "-q", "update"); err != nil {
		return "", err
	}
	packages, err := a.kernelPackages(ctx, metaPackage)
	if err != nil {
		return "", err
	}
	for _, name := range packages {
		if _, err := a.run(ctx, "apt-get", "-q", "download", name); err != nil {
			return "", err
		}
	}
	return a.extract(ctx, folder)
}

// apt runs Debian's package tools on a folder of their own, so that nothing of
// the machine's own packages is touched.
type apt struct{ folder string }

func (a apt) prepare(sources string) error {
	for _, folder := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.folder, folder), 0o755); err != nil {
			return fmt.Errorf("making a folder for apt: %w", err)
		}
	}
	for name, text := range map[string]string{"sources.list": sources, "status": ""} {
		if err := os.WriteFile(filepath.Join(a.folder, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("configuring apt: %w", err)
		}
	}
	return nil
}

func (a apt) run(ctx context.Context, program string, args ...string) (string, error) {
	options := []string{
		"-o", "Dir::Etc::sourcelist=" + filepath.Join(a.folder, "sources.list"), "-o", "Dir::Etc::sourceparts=/dev/null",
		"-o", "Dir::State::lists=" + filepath.Join(a.folder, "lists"), "-o", "Dir::State::status=" + filepath.Join(a.folder, "status"),
		"-o", "Dir::Cache=" + filepath.Join(a.folder, "cache"), "-o", "APT::Architecture=amd64", "-o", "APT::Architectures=amd64",
		"-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=2",
	}
	command := exec.CommandContext(ctx, program, append(options, args...)...)
	command.Dir = a.folder
	var out, failures bytes.Buffer
	command.Stdout, command.Stderr = &out, &failures
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(failures.String()))
	}
	return out.String(), nil
}

// kernelPackages follows the dependencies from the package that stands for the
// newest kernel to those that have it. Newer releases put the kernel itself in a
// package of its own, linux-binary-….
func (a apt) kernelPackages(ctx context.Context, from string) ([]string, error) {
	var found []string
	for waiting := []string{from}; len(waiting) > 0; waiting = waiting[1:] {
		out, err := a.run(ctx, "apt-cache", "depends", "--no-recommends", "--no-suggests", waiting[0])
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out) {
			name, isDependency := strings.CutPrefix(strings.TrimSpace(line), "Depends: ")
			if isDependency && (strings.HasPrefix(name, "linux-image-") || strings.HasPrefix(name, "linux-binary-")) {
				waiting = append(waiting, name)
				found = append(found, name)
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s depends on no kernel", from)
	}
	return found, nil
}

// extract takes the kernel out of the packages that were fetched.
func (a apt) extract(ctx context.Context, to string) (string, error) {
	packages, err := filepath.Glob(filepath.Join(a.folder, "*.deb"))
	if err != nil {
		return "", err
	}
	for _, name := range packages {
		var files bytes.Buffer
		command := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", name)
		command.Stdout, command.Stderr = &files, os.Stderr
		if err := command.Run(); err != nil {
			return "", fmt.Errorf("unpacking %s: %w", filepath.Base(name), err)
		}
		path, err := extractKernel(&files, to)
		if path != "" || err != nil {
			return path, err
		}
	}
	return "", fmt.Errorf("none of %d packages has a kernel", len(packages))
}

// extractKernel writes the kernel of a package's files to a folder; the path is
// empty where there is none.
func extractKernel(files io.Reader, to string) (string, error) {
	for archive := tar.NewReader(files); ; {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("reading a package: %w", err)
		}
		name := filepath.Base(entry.Name)
		if name == "vmlinuz" { // …/modules/RELEASE/vmlinuz in newer releases
			name += "-" + filepath.Base(filepath.Dir(entry.Name))
		}
		if entry.Typeflag != tar.TypeReg || !strings.HasPrefix(name, "vmlinuz-") {
			continue
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return "", fmt.Errorf("reading a package: %w", err)
		}
		// Renamed when it is whole, because what is there is not fetched again.
		path := filepath.Join(to, name)
		if err := os.WriteFile(path+".part", data, 0o644); err != nil {
			return "", fmt.Errorf("keeping a kernel: %w", err)
		}
		return path, os.Rename(path+".part", path)
	}
}

// debianURL finds mirrors of Debian itself in apt's configuration, old and new
// style, and not those of its security updates or of others.
var debianURL = regexp.MustCompile(`(?m)^\s*(?:deb\s+(?:\[[^\]]*\]\s+)?|URIs:\s+)(\S+/debian)/?(?:\s|$)`)

// machineMirror is the Debian mirror that this machine uses.
func machineMirror(configuration string) (string, error) {
	paths := []string{filepath.Join(configuration, "sources.list")}
	for _, pattern := range []string{"*.list", "*.sources"} {
		more, err := filepath.Glob(filepath.Join(configuration, "sources.list.d", pattern))
		if err != nil {
			return "", err
		}
		paths = append(paths, more...)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if found := debianURL.FindSubmatch(text); found != nil {
			return string(found[1]), nil
		}
	}
	return "", fmt.Errorf("%s names no Debian mirror; name one with DEBIAN_MIRROR=", configuration)
}
