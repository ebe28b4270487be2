package packages

import (
	"context"
	"errors"
	"hash/maphash"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Package is one installed package.
type Package struct {
	Manager      string `json:"manager"` // "dpkg" or "rpm"
	Name         string `json:"name"`
	Version      string `json:"version,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	// Installed is when this version was installed.
	Installed time.Time `json:"installed,omitzero"`
}

// State says what is known of a file's owner.
type State string

// The states of a file's owner.
const (
	Owned   State = "owned"
	None    State = "none" // no package has the path
	Unknown State = "unknown"
)

// Finder finds the owners of files. It may be used by any goroutine.
type Finder struct {
	root      string
	databases []database

	mu    sync.Mutex
	known map[string]answer
}

// database is one package manager's.
type database interface {
	// changed is when it was changed last; the zero time where it is not there.
	changed() time.Time
	// find looks for the first of some names of a file.
	find(ctx context.Context, changed time.Time, names []string) (Package, bool, error)
}

// answer is remembered as long as the databases do not change.
type answer struct {
	owner Package
	state State
	stamp [2]time.Time
}

// answerLimit bounds how many answers are remembered.
const answerLimit = 512

// NewFinder reads the databases below root, "/" for this host.
func NewFinder(root string) *Finder {
	seed := maphash.MakeSeed()
	return &Finder{root: root, known: make(map[string]answer), databases: []database{newDpkg(root, seed), newRPM(root, seed)}}
}

// Prepare begins to read the databases in the background, so that the first answer
// does not wait for it.
func (f *Finder) Prepare() {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, _ = f.search(ended, "/", f.stamp()) // what it finds is of no interest
}

// Owner says which package a path belongs to. An error says why the state is
// unknown, or what of the owner is not known.
func (f *Finder) Owner(ctx context.Context, path string) (Package, State, error) {
	now := f.stamp()
	f.mu.Lock()
	remembered, ok := f.known[path]
	f.mu.Unlock()
	if ok && remembered.stamp == now {
		return remembered.owner, remembered.state, nil
	}
	owner, state, err := f.search(ctx, path, now)
	if err != nil {
		return owner, state, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.known) >= answerLimit {
		clear(f.known)
	}
	f.known[strings.Clone(path)] = answer{owner, state, now}
	return owner, state, nil
}

func (f *Finder) stamp() (now [2]time.Time) {
	for i, one := range f.databases {
		now[i] = one.changed()
	}
	return now
}

func (f *Finder) search(ctx context.Context, path string, now [2]time.Time) (Package, State, error) {
	if now == ([2]time.Time{}) {
		return Package{}, Unknown, errors.New("this host has neither a dpkg nor an rpm database")
	}
	names := f.aliases(path)
	var failures []error
	for i, one := range f.databases {
		if now[i].IsZero() {
			continue
		}
		owner, found, err := one.find(ctx, now[i], names)
		if found {
			return owner, Owned, err
		}
		failures = append(failures, err)
	}
	if err := errors.Join(failures...); err != nil {
		return Package{}, Unknown, err
	}
	return Package{}, None, nil
}

// aliases are the names under which a database may have a path. Where /bin and its
// like are links into /usr, packages list either name.
func (f *Finder) aliases(path string) []string {
	names := []string{path}
	rest := strings.TrimPrefix(path, "/usr")
	top, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	if top != "bin" && top != "sbin" && !strings.HasPrefix(top, "lib") {
		return names
	}
	info, err := os.Lstat(filepath.Join(f.root, top))
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		return names
	}
	if rest == path {
		return append(names, "/usr"+path)
	}
	return append(names, rest)
}

// changed is when a file was modified; the zero time where it is not there.
func changed(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
