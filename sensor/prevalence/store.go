package prevalence

import (
	"container/list"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultLimit is how many executables are remembered.
	DefaultLimit = 8192
	// pathLimit is the longest path, in bytes, that is remembered.
	pathLimit = 1024
)

// File tells the file at an executable's path from another one at the same path.
// A field that is not known is empty.
type File struct {
	Device string `json:"device,omitempty"`
	Inode  uint64 `json:"inode,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Changed is the file's ctime, which is later than any content it had before.
	Changed time.Time `json:"-"`
}

// Record is what is remembered of an executable.
type Record struct {
	// First and Last are when it was seen to connect, Count how often.
	First time.Time `json:"first_seen,omitzero"`
	Last  time.Time `json:"last_seen,omitzero"`
	Count uint64    `json:"connections"`

	file File
}

// Changed says whether a file at the record's path is another one than that which
// connected before.
func (r Record) Changed(file File) bool {
	switch {
	case r.file.SHA256 != "" && file.SHA256 != "":
		return r.file.SHA256 != file.SHA256
	case r.file.Inode != 0 && file.Inode != 0:
		return r.file.Inode != file.Inode || r.file.Device != file.Device
	default:
		return file.Changed.After(r.Last)
	}
}

// Store remembers executables. It may be used by any goroutine.
type Store struct {
	path  string
	limit int

	mu     sync.Mutex
	since  time.Time
	known  map[string]*list.Element
	recent *list.List // of *entry, the latest in front
	dirty  bool

	evicted, tooLong atomic.Uint64
}

// entry is one executable.
type entry struct {
	path string
	Record
}

// Saw notes that an executable attempted a connection. It is made for the event
// path: it waits for nothing but other calls of the store, none of which wait for
// anything else. The text may change after the call.
func (s *Store) Saw(executable string, at time.Time) {
	if executable == "" {
		return
	}
	if len(executable) > pathLimit {
		s.tooLong.Add(1)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = true
	if element, ok := s.known[executable]; ok {
		one := element.Value.(*entry)
		one.Count++
		if at.After(one.Last) {
			one.Last = at
		}
		s.recent.MoveToFront(element)
		return
	}
	s.insert(&entry{path: strings.Clone(executable), Record: Record{First: at, Last: at, Count: 1}})
}

// insert adds an executable in front and forgets the one that is last.
func (s *Store) insert(one *entry) {
	s.known[one.path] = s.recent.PushFront(one)
	if s.recent.Len() <= s.limit {
		return
	}
	last := s.recent.Back()
	delete(s.known, last.Value.(*entry).path)
	s.recent.Remove(last)
	s.evicted.Add(1)
}

// Lookup is what is remembered of an executable.
func (s *Store) Lookup(executable string) (Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if element, ok := s.known[executable]; ok {
		return element.Value.(*entry).Record, true
	}
	return Record{}, false
}

// Describe notes which file an executable's path stands for now.
func (s *Store) Describe(executable string, file File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if element, ok := s.known[executable]; ok {
		element.Value.(*entry).file = file
		s.dirty = true
	}
}

// Since is when the memory begins: what connected before is not known.
func (s *Store) Since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since
}

// Stats count what a store holds and what its bounds cost.
type Stats struct {
	// Executables are remembered; Evicted were forgotten to make room; TooLong
	// counts connections of executables whose path is too long to remember.
	Executables, Evicted, TooLong uint64
}

// Stats are the counters so far.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Executables: uint64(s.recent.Len()), Evicted: s.evicted.Load(), TooLong: s.tooLong.Load()}
}
