package packages

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// dpkgListLimit bounds, in bytes, what is read of one package's list of files.
const dpkgListLimit = 64 << 20

// dpkg reads the database of dpkg(1): the file status lists the packages, and
// info/NAME.list the files of each.
type dpkg struct {
	status, info string
	paths        indexer
}

func newDpkg(root string, seed maphash.Seed) *dpkg {
	folder := filepath.Join(root, "var", "lib", "dpkg")
	d := &dpkg{status: filepath.Join(folder, "status"), info: filepath.Join(folder, "info")}
	d.paths = indexer{seed: seed, build: d.index}
	return d
}

func (d *dpkg) changed() time.Time { return changed(d.status) }

// dpkgData are the folders of what is not executed. Most paths are there, and they
// are not in the index.
func dpkgData(path []byte) bool {
	for _, folder := range []string{"/usr/share/", "/usr/include/", "/usr/src/"} {
		if bytes.HasPrefix(path, []byte(folder)) {
			return true
		}
	}
	return false
}

// index reads the lists of all packages.
func (d *dpkg) index(add func(Package) func([]byte)) error {
	buffer := make([]byte, dpkgChunk)
	return d.lists(context.Background(), func(name string) (bool, error) {
		path := add(Package{Name: name})
		err := eachPath(filepath.Join(d.info, name), buffer, func(line []byte) {
			if len(line) > 1 && !dpkgData(line) {
				path(line)
			}
		})
		return err == nil, err
	})
}

// dpkgChunk is how much of a list is read at once, in bytes. No line is longer.
const dpkgChunk = 64 << 10

// eachPath calls one with each line of a package's list. The line is a view into
// buffer. A list may have megabytes, which are not to be in memory at once.
func eachPath(path string, buffer []byte, one func(line []byte)) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the package was removed meanwhile
	}
	if err != nil {
		return fmt.Errorf("the dpkg database: %w", err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	lines := bufio.NewScanner(io.LimitReader(file, dpkgListLimit))
	lines.Buffer(buffer, len(buffer))
	for lines.Scan() {
		one(lines.Bytes())
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the dpkg database: %s: %w", path, err)
	}
	return nil
}

// lists calls one with the name of each package's list until it says false.
func (d *dpkg) lists(ctx context.Context, one func(name string) (bool, error)) error {
	folder, err := os.Open(d.info)
	if err != nil {
		return fmt.Errorf("the dpkg database: %w", err)
	}
	defer folder.Close() //nolint:errcheck // nothing was written
	for {
		files, errRead := folder.Readdirnames(256)
		for _, file := range files {
			if !strings.HasSuffix(file, ".list") {
				continue
			}
			if ctx.Err() != nil {
				return errors.New("the dpkg database is not read to its end: no time was left")
			}
			if more, err := one(file); err != nil || !more {
				return err
			}
		}
		if errors.Is(errRead, io.EOF) {
			return nil
		}
		if errRead != nil {
			return fmt.Errorf("the dpkg database: %w", errRead)
		}
	}
}

// readList reads the list of a package, with a line end before and after it.
func readList(path string, content *bytes.Buffer) error {
	content.Reset()
	content.WriteByte('\n')
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the package was removed meanwhile
	}
	if err != nil {
		return fmt.Errorf("the dpkg database: %w", err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	if _, err := content.ReadFrom(io.LimitReader(file, dpkgListLimit)); err != nil {
		return fmt.Errorf("the dpkg database: %w", err)
	}
	content.WriteByte('\n')
	return nil
}

func (d *dpkg) find(ctx context.Context, changed time.Time, names []string) (owner Package, found bool, err error) {
	all, err := d.paths.get(ctx, changed)
	if err != nil {
		return Package{}, false, err
	}
	var content bytes.Buffer
	list := ""
	has := func(name string) (bool, error) {
		if err := readList(filepath.Join(d.info, name), &content); err != nil {
			return false, err
		}
		for _, path := range names {
			if bytes.Contains(content.Bytes(), []byte("\n"+path+"\n")) {
				list = name
				return true, nil
			}
		}
		return false, nil
	}
	for _, path := range names {
		if dpkgData([]byte(path)) || all.full {
			err = d.lists(ctx, func(name string) (bool, error) {
				has, err := has(name)
				return !has, err
			})
			break
		}
		all.find(maphash.String(d.paths.seed, path), func(one Package) bool {
			var hit bool
			hit, err = has(one.Name)
			return hit
		})
	}
	if list == "" {
		return Package{}, false, err
	}
	owner, err = d.describe(strings.TrimSuffix(list, ".list"))
	owner.Installed = modified(filepath.Join(d.info, list))
	return owner, true, err
}

func modified(path string) time.Time { return changed(path).UTC().Truncate(time.Second) }

// describe finds a package, NAME or NAME:ARCHITECTURE, in the status file. What is
// not found there stays empty.
func (d *dpkg) describe(name string) (Package, error) {
	name, architecture, _ := strings.Cut(name, ":")
	owner := Package{Manager: "dpkg", Name: name, Architecture: architecture}
	file, err := os.Open(d.status)
	if err != nil {
		return owner, fmt.Errorf("the version of package %s: %w", name, err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	lines := bufio.NewReaderSize(file, 64<<10)
	var one Package
	for {
		line, _, err := lines.ReadLine()
		if err != nil || len(line) == 0 {
			if one.Name == name && (architecture == "" || one.Architecture == architecture) {
				owner.Version, owner.Architecture = one.Version, one.Architecture
				return owner, nil
			}
			one = Package{}
		}
		if errors.Is(err, io.EOF) {
			return owner, nil
		}
		if err != nil {
			return owner, fmt.Errorf("the version of package %s: %w", name, err)
		}
		switch key, value, _ := bytes.Cut(line, []byte(": ")); string(key) {
		case "Package":
			one.Name = string(value)
		case "Version":
			one.Version = string(value)
		case "Architecture":
			one.Architecture = string(value)
		}
	}
}
