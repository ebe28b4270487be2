package packages

import (
	"context"
	"errors"
	"hash/maphash"
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

func (r *rpm) index(func(Package) func([]byte)) error {
	return errors.New("the rpm database cannot be read")
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
	return owner, found, nil
}
