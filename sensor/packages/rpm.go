package packages

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"time"
)

// rpm reads the database of rpm(8).
type rpm struct {
	root  string
	paths indexer
}

func newRPM(root string, seed maphash.Seed) *rpm {
	r := &rpm{root: root}
	r.paths = indexer{seed: seed, build: r.index}
	return r
}

// file is the database: where it may be says rpm's macro _dbpath, and the name
// which form it has.
func (r *rpm) file() string {
	for _, folder := range []string{"usr/lib/sysimage/rpm", "var/lib/rpm"} {
		for _, name := range []string{"rpmdb.sqlite", "Packages.db", "Packages"} {
			path := filepath.Join(r.root, folder, name)
			if !changed(path).IsZero() {
				return path
			}
		}
	}
	return ""
}

func (r *rpm) changed() time.Time {
	if file := r.file(); file != "" {
		return changed(file)
	}
	return time.Time{}
}

// index reads which executables each package has. What is no executable is not in
// it: nothing executes it.
func (r *rpm) index(add func(Package) func([]byte)) error {
	path := r.file()
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("the rpm database: %w", err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	read := readBerkeley
	switch filepath.Base(path) {
	case "rpmdb.sqlite":
		read = readSQLite
	case "Packages.db":
		read = readNDB
	}
	err = read(file, func(blob []byte) error {
		header, err := parseHeader(blob)
		if err != nil {
			return err
		}
		header.executables(add(header.owner()))
		return nil
	})
	if err != nil {
		return fmt.Errorf("the rpm database %s: %w", path, err)
	}
	return nil
}

func (r *rpm) find(ctx context.Context, changed time.Time, names []string) (owner Package, found bool, err error) {
	all, err := r.paths.get(ctx, changed)
	if err != nil {
		return Package{}, false, err
	}
	for _, path := range names {
		all.find(maphash.String(r.paths.seed, path), func(one Package) bool {
			owner, found = one, true
			return true
		})
	}
	if !found && all.full {
		return Package{}, false, errors.New("the rpm database has more files than are remembered")
	}
	return owner, found, nil
}
