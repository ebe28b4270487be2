package normalize

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tripline/internal/bell"
	"tripline/internal/recvbatch"
)

// From linux/connector.h and linux/cn_proc.h, which have been the same since
// Linux 2.6.15.
const (
	cnIdxProc    = 1 // CN_IDX_PROC, also the multicast group
	cnValProc    = 1 // CN_VAL_PROC
	cnListen     = 1 // PROC_CN_MCAST_LISTEN
	cnIgnore     = 2 // PROC_CN_MCAST_IGNORE
	cnEventNone  = 0 // PROC_EVENT_NONE: the answer to a request
	cnEventFork  = 1
	cnEventExit  = 0x80000000
	cnHeaderSize = unix.NLMSG_HDRLEN + 20
	// Offsets in a netlink message.
	cnWhatAt      = cnHeaderSize
	cnTimestampAt = cnHeaderSize + 8
	cnBodyAt      = cnHeaderSize + 16
)

const (
	// procConnectorBuffer is the socket's receive buffer in bytes, which has room
	// for the messages of some 20,000 forks and exits.
	procConnectorBuffer = 16 << 20
	// procConnectorPause is how often messages wake the sensor at most. The buffer
	// holds what a million of them a second leave in it meanwhile.
	procConnectorPause = 20 * time.Millisecond
	// procConnectorAnswer is how long the kernel may take to answer a request.
	procConnectorAnswer = 500 * time.Millisecond
	// procClockStep is by how much the time of day must have been set to matter.
	procClockStep = int64(5 * time.Millisecond)
)

// How the time of an event relates to the moment in which it happened. Event
// times are those of a clock that advances with a timer, cut to milliseconds: up
// to 11 ms too early, and more where a virtual machine was not run meanwhile.
const (
	procEventEarly = int64(2 * time.Millisecond)
	procEventLate  = int64(100 * time.Millisecond)
)

const (
	// procBatchMessages is how many messages one call receives.
	procBatchMessages = 64
	// procMessageSize is how much of a message is kept, in bytes; what it tells of
	// forks and exits is in the first 76.
	procMessageSize = 128
)

// procConnector follows the forks and exits of all processes through the
// kernel's process connector, a netlink multicast group.
type procConnector struct {
	fd     int
	sample *procSample
	bell   *bell.Bell
	stop   chan struct{}
	done   chan struct{}

	mu    sync.Mutex
	lives *procLives
	batch *recvbatch.Batch
	// day is the time of day less CLOCK_MONOTONIC, in nanoseconds.
	day   int64
	stats ProcLifeStats
}

// ProcLifeStats counts what the process connector told.
type ProcLifeStats struct {
	// Forks and Exits count threads, too, where those are followed.
	Forks, Exits uint64
	// Missed counts how often messages were missed, or the time of day was set, so
	// that what had been told before was of no use any more.
	Missed uint64
}

// openProcConnector subscribes. It fails without CAP_NET_ADMIN, in other pid, user
// and network namespaces than the host's, and where the kernel is built without
// the connector.
func openProcConnector() (*procConnector, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, fmt.Errorf("process connector: socket: %w", err)
	}
	c := &procConnector{fd: fd, batch: recvbatch.New(procBatchMessages, procMessageSize), stop: make(chan struct{}), done: make(chan struct{})}
	if err := c.begin(); err != nil {
		_ = unix.Close(fd) // nothing was written that could be lost
		return nil, fmt.Errorf("process connector: %w", err)
	}
	go c.follow()
	return c, nil
}

// begin subscribes and makes ready for what is told from then on. Where it fails, all
// but the socket is closed.
func (c *procConnector) begin() (err error) {
	if err := c.subscribe(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = c.request(cnIgnore) // it is closed either way
		}
	}()
	now, day, err := procMonotonic()
	if err != nil {
		return err
	}
	c.lives, c.day = newProcLives(procLifeLimit, now), day
	buffer, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return fmt.Errorf("size of the receive buffer: %w", err)
	}
	if c.sample, err = openProcSample(buffer); err != nil {
		return err
	}
	if c.bell, err = bell.New(-1); err != nil {
		return errors.Join(err, c.sample.close())
	}
	return nil
}

// subscribe asks the kernel for its messages and waits for its answer: in other
// namespaces than the host's it gives none.
func (c *procConnector) subscribe() error {
	if unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, procConnectorBuffer) != nil {
		_ = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, procConnectorBuffer) // a small one misses messages, which is counted
	}
	if err := unix.Bind(c.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: cnIdxProc}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if err := c.request(cnListen); err != nil {
		return err
	}
	for deadline := time.Now().Add(procConnectorAnswer); ; {
		left := time.Until(deadline)
		if left <= 0 {
			_ = c.request(cnIgnore) // it is closed either way
			return errors.New("the kernel does not answer; are these the host's own pid and network namespace?")
		}
		ready := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, int(left/time.Millisecond)+1); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("poll: %w", err)
		}
		count, err := c.batch.Receive(c.fd)
		if err != nil {
			continue
		}
		for slot := range count {
			message := procKernelMessage(c.batch.Message(slot))
			if message == nil || procMessageWhat(message) != cnEventNone {
				continue
			}
			if errno := binary.NativeEndian.Uint32(message[cnBodyAt:]); errno != 0 {
				return fmt.Errorf("subscribe: %w", unix.Errno(errno))
			}
			return attachProcFilter(c.fd, procFilter())
		}
	}
}

// request asks the kernel to begin or end sending. Kernels before 6.6 go on
// counting a listener that ends without saying so, at the cost of a few
// instructions for each fork.
func (c *procConnector) request(op uint32) error {
	message := make([]byte, 0, cnHeaderSize+4)
	message = binary.NativeEndian.AppendUint32(message, cnHeaderSize+4)
	message = binary.NativeEndian.AppendUint16(message, unix.NLMSG_DONE)
	message = append(message, make([]byte, 10)...) // flags, sequence number, sender
	message = binary.NativeEndian.AppendUint32(message, cnIdxProc)
	message = binary.NativeEndian.AppendUint32(message, cnValProc)
	message = append(message, make([]byte, 8)...) // sequence number, acknowledgement
	message = binary.NativeEndian.AppendUint16(message, 4)
	message = append(message, 0, 0) // flags
	message = binary.NativeEndian.AppendUint32(message, op)
	if err := unix.Sendto(c.fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("sendto: %w", err)
	}
	return nil
}

// procKernelMessage is the content of a message of the kernel, nil where it is none:
// others with CAP_NET_ADMIN may write to the socket, too.
func procKernelMessage(message recvbatch.Message) []byte {
	if message.Sender != 0 || message.Truncated || len(message.Data) < cnBodyAt+16 {
		return nil
	}
	return message.Data
}

// procMessageWhat is the kind of a message.
func procMessageWhat(message []byte) uint32 {
	return binary.NativeEndian.Uint32(message[cnWhatAt:])
}

// drain takes all messages that wait. The caller holds the lock. What happened
// before the call has been taken when it returns.
func (c *procConnector) drain() (count int) {
	for {
		received, err := c.batch.Receive(c.fd)
		for slot := range received {
			if message := procKernelMessage(c.batch.Message(slot)); message != nil {
				c.take(message)
				count++
			}
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS):
			c.forget() // messages were missed
			continue
		}
		break // EAGAIN: there are no more
	}
	if _, day, err := procMonotonic(); err == nil && max(day-c.day, c.day-day) > procClockStep {
		c.forget()
		c.day = day
	}
	return count
}

// take takes one message.
func (c *procConnector) take(message []byte) {
	at := int64(binary.NativeEndian.Uint64(message[cnTimestampAt:]))
	number := func(index int) uint32 { return binary.NativeEndian.Uint32(message[cnBodyAt+4*index:]) }
	switch procMessageWhat(message) {
	case cnEventFork:
		c.stats.Forks++
		c.lives.forked(number(2), number(3), at)
	case cnEventExit:
		c.stats.Exits++
		c.lives.exited(number(0), number(1), at)
	}
}

// forget forgets everything, because it is not whole or its times are no use any
// more.
func (c *procConnector) forget() {
	c.stats.Missed++
	now, _, err := procMonotonic()
	if err != nil {
		now = 1<<63 - 1
	}
	c.lives.forget(now)
}

// at says which life an event is of, from its time in milliseconds since the Unix
// epoch. The caller holds the lock.
func (c *procConnector) at(pid uint32, event int64) (*procLife, procAnswer) {
	from, to := c.moments(event)
	return c.lives.at(pid, from, to)
}

// moments are between which times an event happened.
func (c *procConnector) moments(event int64) (from, to int64) {
	at := event*int64(time.Millisecond) - c.day
	return at - procEventEarly, at + procEventLate
}

// kept says whether a pid was of the same process at the times of two events, the
// second after the first.
func (c *procConnector) kept(pid uint32, first, second int64) (kept, told bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	from, _ := c.moments(first)
	_, to := c.moments(second)
	return c.lives.kept(pid, from, to)
}

// counted gives the counters.
func (c *procConnector) counted() ProcLifeStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// follow takes messages that nobody asks for, so that the socket's buffer does not
// overflow: when the sample says that many wait.
func (c *procConnector) follow() {
	defer close(c.done)
	for last := (time.Time{}); c.awaited(); last = time.Now() {
		if soon := procConnectorPause - time.Since(last); soon > 0 {
			select {
			case <-c.stop:
				return
			case <-time.After(soon):
			}
		}
		c.sample.clear()
		c.catchUp()
	}
}

// awaited waits until many messages wait, and says false when the bell is closed.
func (c *procConnector) awaited() bool {
	_, _, err := c.bell.Wait(c.sample.fd, time.Time{})
	return err == nil
}

// catchUp takes what waits.
func (c *procConnector) catchUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
}

// close unsubscribes.
func (c *procConnector) close() error {
	close(c.stop)
	err := errors.Join(c.request(cnIgnore), c.bell.Close())
	<-c.done
	return errors.Join(err, c.sample.close(), unix.Close(c.fd))
}

// procMonotonic reads CLOCK_MONOTONIC, and by how much the time of day is ahead of
// it.
func procMonotonic() (now, day int64, err error) {
	var before, wall, after unix.Timespec
	for range 5 {
		err = errors.Join(
			unix.ClockGettime(unix.CLOCK_MONOTONIC, &before),
			unix.ClockGettime(unix.CLOCK_REALTIME, &wall),
			unix.ClockGettime(unix.CLOCK_MONOTONIC, &after))
		if err != nil {
			return 0, 0, fmt.Errorf("clock_gettime: %w", err)
		}
		if after.Nano()-before.Nano() < int64(100*time.Microsecond) {
			break
		}
	}
	return after.Nano(), wall.Nano() - before.Nano()/2 - after.Nano()/2, nil
}
