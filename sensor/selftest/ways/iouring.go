package ways

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The parts of linux/io_uring.h that a connect needs.
const (
	setupSQPoll         = 1 << 1
	featureNonFixed     = 1 << 7 // the polling thread takes any file, since 5.11
	enterGetEvents      = 1 << 0
	enterWakeUp         = 1 << 1
	submissionNeedsWake = 1 << 0
	entryFixedFile      = 1 << 0
	entryAsync          = 1 << 4
	operationConnect    = 16
	registerFiles       = 2
	offsetSubmissions   = 0
	offsetCompletions   = 0x8000000
	offsetEntries       = 0x10000000
)

// ringOffsets is struct io_sqring_offsets and, with other names for some fields,
// struct io_cqring_offsets.
type ringOffsets struct {
	head, tail, mask, entries      uint32
	flags, dropped, array, reserve uint32
	address                        uint64
}

// ringParams is struct io_uring_params.
type ringParams struct {
	submissions, completions, flags     uint32
	threadCPU, threadIdle, features, wq uint32
	_                                   [3]uint32
	submission, completion              ringOffsets
}

// ringEntry is struct io_uring_sqe.
type ringEntry struct {
	operation, flags uint8
	priority         uint16
	fd               int32
	offset, address  uint64
	length, more     uint32
	user             uint64
	_                [24]byte
}

// ring is an io_uring with one entry in use.
type ring struct {
	fd                               int
	params                           ringParams
	submissions, completions, memory []byte
}

// IOUring connects through io_uring: "plain" in the caller, "async" in a worker
// thread, "sqpoll" by the kernel's polling thread.
func IOUring(way string) error {
	flags := map[string]uint32{"plain": 0, "async": 0, "sqpoll": setupSQPoll}
	if _, known := flags[way]; !known {
		return fmt.Errorf("io_uring connects by plain, async or sqpoll, not %q", way)
	}
	r, err := openRing(flags[way])
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	result, err := r.connect(int32(fd), way == "async")
	if err != nil {
		return err
	}
	if result == -int32(unix.EINVAL) {
		return fmt.Errorf("%w: io_uring without connect", ErrImpossible)
	}
	if result < 0 {
		if err := ignoreRefused(unix.Errno(-result)); err != nil {
			return fmt.Errorf("connecting through io_uring: %w", err)
		}
	}
	return nil
}

func openRing(flags uint32) (*ring, error) {
	r := &ring{params: ringParams{flags: flags, threadIdle: 2000}}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&r.params)), 0)
	if errors.Is(errno, unix.ENOSYS) || errors.Is(errno, unix.EPERM) {
		return nil, fmt.Errorf("%w: io_uring_setup: %w", ErrImpossible, error(errno))
	}
	if errno != 0 {
		return nil, fmt.Errorf("io_uring_setup: %w", errno)
	}
	r.fd = int(fd)
	for _, one := range []struct {
		offset int64
		size   uint32
		to     *[]byte
	}{
		{offsetSubmissions, r.params.submission.array + 4*r.params.submissions, &r.submissions},
		{offsetCompletions, r.params.completion.dropped + 64 + 16*r.params.completions, &r.completions},
		{offsetEntries, uint32(unsafe.Sizeof(ringEntry{})) * r.params.submissions, &r.memory},
	} {
		mapped, err := unix.Mmap(r.fd, one.offset, int(one.size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
		if err != nil {
			return nil, fmt.Errorf("mapping an io_uring: %w", err)
		}
		*one.to = mapped
	}
	return r, nil
}

// connect submits one connect and returns its result.
func (r *ring) connect(fd int32, async bool) (int32, error) {
	// The kernel reads the address when it likes: outside Go's heap it stays.
	page, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return 0, err
	}
	*(*unix.RawSockaddrInet4)(unsafe.Pointer(&page[0])) = rawDiscard()
	entry := (*ringEntry)(unsafe.Pointer(&r.memory[0]))
	*entry = ringEntry{
		operation: operationConnect, fd: fd, offset: unix.SizeofSockaddrInet4,
		address: uint64(uintptr(unsafe.Pointer(&page[0]))),
	}
	if async {
		entry.flags |= entryAsync
	}
	polled := r.params.flags&setupSQPoll != 0
	if polled && r.params.features&featureNonFixed == 0 {
		if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), registerFiles, uintptr(unsafe.Pointer(&fd)), 1, 0, 0); errno != 0 {
			return 0, fmt.Errorf("registering the socket with an io_uring: %w", errno)
		}
		entry.fd, entry.flags = 0, entry.flags|entryFixedFile
	}
	*word(r.submissions, r.params.submission.array) = 0
	atomic.StoreUint32(word(r.submissions, r.params.submission.tail), 1)
	if err := r.enter(polled); err != nil {
		return 0, err
	}
	results := r.completions[r.completionsAt():]
	return *(*int32)(unsafe.Pointer(&results[8])), nil
}

// enter makes the kernel see the entry and waits for its completion.
func (r *ring) enter(polled bool) error {
	submit := uintptr(1)
	flags := uintptr(enterGetEvents)
	if polled {
		submit = 0
		if atomic.LoadUint32(word(r.submissions, r.params.submission.flags))&submissionNeedsWake != 0 {
			flags |= enterWakeUp
		}
	}
	for {
		_, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), submit, 1, flags, 0, 0)
		if atomic.LoadUint32(word(r.completions, r.params.completion.tail)) != 0 {
			return nil
		}
		if errno != 0 && !errors.Is(errno, unix.EINTR) {
			return fmt.Errorf("io_uring_enter: %w", errno)
		}
		submit = 0
		time.Sleep(time.Millisecond)
	}
}

// completionsAt is where the completions begin. In struct io_cqring_offsets the
// field after overflow is cqes: the sixth, called dropped here.
func (r *ring) completionsAt() uint32 { return r.params.completion.dropped }

// word is a field of a mapped ring.
func word(mapped []byte, offset uint32) *uint32 {
	return (*uint32)(unsafe.Pointer(&mapped[offset]))
}
