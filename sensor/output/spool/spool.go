package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// ErrFull says that a record does not fit until others are delivered.
var ErrFull = errors.New("the spool is full")

// ErrInUse says that another process has the spool.
var ErrInUse = errors.New("the spool is in use by another process")

// ErrTooLarge says that a record is larger than MaxRecord or the whole spool.
var ErrTooLarge = errors.New("the document is larger than the spool takes")

const (
	segmentSuffix = ".segment"
	// segments is how many segments a full spool has: a segment is freed when all
	// its records are delivered.
	segments = 16
	// readSize is how much is read at once.
	readSize = 1 << 20
)

// Options say where a spool is.
type Options struct {
	// Folder is the spool's own.
	Folder string
	// MaxBytes bounds the size of the segments together.
	MaxBytes int64
}

// Found says what an earlier run left in a spool.
type Found struct {
	// Records wait to be delivered.
	Records int
	// Torn is how many bytes at the end were of a record that was not written
	// whole. They have been cut off.
	Torn int64
	// PositionLost says that nothing tells what was delivered already: all that
	// is there is delivered again.
	PositionLost bool
}

// segment is one file of records.
type segment struct {
	number uint64
	size   int64
}

// Spool is an open spool. One goroutine may append while another reads; Size,
// Waiting and Damaged may be called from any.
type Spool struct {
	options Options

	mu       sync.Mutex
	segments []segment // the last is appended to
	active   *os.File
	position *positionFile
	at       position // of the first record that is not delivered
	peeked   []position
	buffer   []byte
	dirty    bool // the end of the active segment is not known to be whole

	size             atomic.Int64
	waiting, damaged atomic.Int64
}

// Open opens or creates a spool, and mends what a crash left.
func Open(options Options) (*Spool, Found, error) {
	if err := os.MkdirAll(options.Folder, 0o700); err != nil {
		return nil, Found{}, fmt.Errorf("making the folder of a spool: %w", err)
	}
	s := &Spool{options: options}
	var known bool
	var err error
	if s.position, s.at, known, err = openPosition(filepath.Join(options.Folder, "position")); err != nil {
		return nil, Found{}, err
	}
	if err := syscall.Flock(int(s.position.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a descriptor
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, Found{}, errors.Join(fmt.Errorf("locking %s: %w", options.Folder, err), s.position.file.Close())
	}
	found, err := s.recover(known)
	if err != nil {
		return nil, Found{}, errors.Join(err, s.Close())
	}
	return s, found, nil
}

// recover finds the segments and what waits in them, and cuts off a torn end.
func (s *Spool) recover(known bool) (Found, error) {
	var found Found
	if err := s.list(); err != nil {
		return found, err
	}
	found.PositionLost = !known && len(s.segments) > 0
	if len(s.segments) == 0 || s.segments[len(s.segments)-1].number < s.at.segment {
		// A position beyond all segments is of files that are gone.
		if err := s.begin(max(s.at.segment, s.lastNumber()) + 1); err != nil {
			return found, err
		}
	} else if err := s.openLast(&found); err != nil {
		return found, err
	}
	if first := s.segments[0].number; s.at.segment < first {
		s.at = position{segment: first}
	}
	for i := range s.segments { // data that a power failure took had been delivered
		if one := s.segments[i]; one.number == s.at.segment && s.at.offset > one.size {
			s.at.offset = one.size
		}
	}
	err := s.walk(s.at, func(_ position, record []byte) bool {
		if record != nil {
			found.Records++
		}
		return true
	})
	s.waiting.Store(int64(found.Records))
	return found, err
}

func (s *Spool) lastNumber() uint64 {
	if len(s.segments) == 0 {
		return 0
	}
	return s.segments[len(s.segments)-1].number
}

// list reads which segments there are.
func (s *Spool) list() error {
	entries, err := os.ReadDir(s.options.Folder)
	if err != nil {
		return fmt.Errorf("listing a spool: %w", err)
	}
	for _, one := range entries {
		digits, ok := strings.CutSuffix(one.Name(), segmentSuffix)
		number, err := strconv.ParseUint(digits, 16, 64)
		if !ok || err != nil || len(digits) != 16 || !one.Type().IsRegular() {
			continue
		}
		info, err := one.Info()
		if err != nil {
			return fmt.Errorf("listing a spool: %w", err)
		}
		s.segments = append(s.segments, segment{number, info.Size()})
		s.size.Add(info.Size())
	}
	slices.SortStableFunc(s.segments, func(a, b segment) int { return strings.Compare(s.path(a.number), s.path(b.number)) })
	return nil
}

func (s *Spool) path(number uint64) string {
	return filepath.Join(s.options.Folder, fmt.Sprintf("%016x%s", number, segmentSuffix))
}

// openLast opens the last segment to append to it, without what is torn at its
// end.
func (s *Spool) openLast(found *Found) error {
	last := &s.segments[len(s.segments)-1]
	file, err := os.OpenFile(s.path(last.number), os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("opening a spool: %w", err)
	}
	s.active = file
	whole := int64(0)
	err = s.walk(position{segment: last.number}, func(end position, record []byte) bool {
		if record != nil {
			whole = end.offset
		}
		return true
	})
	s.damaged.Store(0) // it is counted when it is read to be delivered
	if err != nil || whole == last.size {
		return err
	}
	found.Torn = last.size - whole
	if err := file.Truncate(whole); err != nil {
		return fmt.Errorf("cutting off a torn record: %w", err)
	}
	s.size.Add(whole - last.size)
	last.size = whole
	return nil
}

// begin begins a new segment.
func (s *Spool) begin(number uint64) error {
	file, err := os.OpenFile(s.path(number), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("beginning a segment of a spool: %w", err)
	}
	if err := syncFolder(s.options.Folder); err != nil {
		return errors.Join(err, file.Close(), os.Remove(s.path(number)))
	}
	if s.active != nil {
		err = s.active.Close() // synced by Append
	}
	s.active = file
	s.segments = append(s.segments, segment{number: number})
	return err
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("syncing a spool: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("syncing a spool: %w", err)
	}
	return nil
}

// Append stores records behind the others and syncs them to the disk. It returns
// how many of the first were stored, fewer than all only with an error.
func (s *Spool) Append(records [][]byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := 0
	for stored < len(records) {
		n, err := s.appendSome(records[stored:])
		stored += n
		s.waiting.Add(int64(n))
		if err != nil {
			return stored, err
		}
	}
	return stored, nil
}

// appendSome stores as many records as fit into the segment, at least one.
func (s *Spool) appendSome(records [][]byte) (int, error) {
	if err := s.remake(); err != nil {
		return 0, err
	}
	limit := max(1, s.options.MaxBytes/segments)
	if s.segments[len(s.segments)-1].size >= limit {
		if err := s.begin(s.lastNumber() + 1); err != nil {
			return 0, err
		}
	}
	last := &s.segments[len(s.segments)-1]
	s.buffer = s.buffer[:0]
	n := 0
	for n < len(records) && (n == 0 || last.size+int64(len(s.buffer)) < limit) {
		size := int64(headerSize + len(records[n]))
		if len(records[n]) > MaxRecord || size > s.options.MaxBytes {
			if n > 0 {
				break
			}
			return 0, ErrTooLarge
		}
		if s.size.Load()+int64(len(s.buffer))+size > s.options.MaxBytes {
			break
		}
		s.buffer = appendFrame(s.buffer, records[n])
		n++
	}
	if n == 0 {
		return 0, ErrFull
	}
	if err := s.write(last); err != nil {
		return 0, err
	}
	if cap(s.buffer) > 2*readSize {
		s.buffer = nil
	}
	return n, nil
}

// remake makes the spool anew where somebody removed it while it was open. What
// waited in it is lost, which Peek counts.
func (s *Spool) remake() error {
	if _, err := os.Stat(s.path(s.lastNumber())); !errors.Is(err, fs.ErrNotExist) {
		return nil // other errors show when it is written to
	}
	if err := os.MkdirAll(s.options.Folder, 0o700); err != nil {
		return fmt.Errorf("making the folder of a spool: %w", err)
	}
	path := filepath.Join(s.options.Folder, "position")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		position, _, _, err := openPosition(path)
		if err != nil {
			return err
		}
		if err := errors.Join(syscall.Flock(int(position.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), s.position.file.Close()); err != nil { //nolint:gosec // a descriptor
			return fmt.Errorf("locking %s: %w", s.options.Folder, errors.Join(err, position.file.Close()))
		}
		s.position = position
	}
	return s.begin(s.lastNumber() + 1)
}

// write appends the buffer to the active segment, or leaves it as it was.
func (s *Spool) write(last *segment) error {
	if s.dirty {
		if err := s.active.Truncate(last.size); err != nil {
			return fmt.Errorf("mending a spool: %w", err)
		}
		s.dirty = false
	}
	_, err := s.active.WriteAt(s.buffer, last.size)
	if err == nil {
		err = s.active.Sync()
	}
	if err != nil {
		s.dirty = s.active.Truncate(last.size) != nil
		return fmt.Errorf("writing to a spool: %w", err)
	}
	last.size += int64(len(s.buffer))
	s.size.Add(int64(len(s.buffer)))
	return nil
}

// Peek returns the first records that are not delivered, at most limit and about
// maxBytes of them but one at least, without taking them out. None means that
// none wait.
func (s *Spool) Peek(limit int, maxBytes int64) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peeked = s.peeked[:0]
	var records [][]byte
	bytes := int64(0)
	err := s.walk(s.at, func(end position, record []byte) bool {
		if record == nil {
			if len(records) > 0 {
				return false // it comes next, and is counted then
			}
			s.damaged.Add(1)
			s.at = end
			return true
		}
		if len(records) > 0 && bytes+int64(len(record)) > maxBytes {
			return false
		}
		bytes += int64(len(record))
		records = append(records, record)
		s.peeked = append(s.peeked, end)
		return len(records) < limit
	})
	if err != nil && len(records) > 0 {
		err = nil // it comes again when these are delivered
	}
	return records, err
}

// Commit takes out the first n records that the last Peek returned: they are
// delivered. An error means that a restart may deliver them again.
func (s *Spool) Commit(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n == 0 || n > len(s.peeked) {
		return nil
	}
	s.at = s.peeked[n-1]
	s.peeked = s.peeked[n:]
	s.waiting.Add(int64(-n))
	err := s.position.write(s.at)
	for len(s.segments) > 1 && !s.at.before(position{s.segments[0].number, s.segments[0].size}) {
		first := s.segments[0]
		if s.at.segment == first.number {
			s.at = position{segment: s.segments[1].number}
		}
		removed := os.Remove(s.path(first.number))
		if errors.Is(removed, fs.ErrNotExist) {
			removed = nil
		}
		if err = errors.Join(err, s.position.write(s.at), removed); err != nil {
			break
		}
		s.segments = s.segments[1:]
		s.size.Add(-first.size)
	}
	return err
}

// Size is how many bytes the spool uses.
func (s *Spool) Size() int64 { return s.size.Load() }

// Waiting is how many records wait.
func (s *Spool) Waiting() int64 { return s.waiting.Load() }

// Damaged counts places at which records could not be read any more.
func (s *Spool) Damaged() int64 { return s.damaged.Load() }

// Close leaves the spool to the next run.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failures []error
	if s.active != nil {
		failures = append(failures, s.active.Close())
	}
	failures = append(failures, s.position.file.Sync(), s.position.file.Close())
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("closing a spool: %w", err)
	}
	return nil
}
