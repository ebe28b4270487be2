package normalize

import (
	"encoding/binary"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// procMessage is a message of the process connector.
func procMessage(what uint32, at uint64) []byte {
	message := make([]byte, 76)
	binary.NativeEndian.PutUint32(message[cnWhatAt:], what)
	binary.NativeEndian.PutUint64(message[cnTimestampAt:], at)
	return message
}

// filtered is a pair of sockets with a filter before the one that receives, and says
// whether a message passes.
func filtered(t *testing.T, program []unix.SockFilter) (passes func(message []byte) bool) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, end := range ends {
			_ = unix.Close(end) // nothing is in it
		}
	})
	if err := attachProcFilter(ends[0], program); err != nil {
		t.Fatal(err)
	}
	room := make([]byte, 128)
	return func(message []byte) bool {
		if _, err := unix.Write(ends[1], message); err != nil {
			t.Fatal(err)
		}
		_, _, err := unix.Recvfrom(ends[0], room, unix.MSG_DONTWAIT)
		return err == nil
	}
}

// TestSampleFilter lets times pass as different clocks make them.
func TestSampleFilter(t *testing.T) {
	for name, tick := range map[string]uint64{"a fine clock": 52_347, "a timer of 1000 Hz": 1_000_000, "of 250 Hz": 4_000_000, "of 100 Hz": 10_000_000} {
		const count = 100_000
		passed := 0
		passes := filtered(t, procSampleFilter(procSampleOf))
		for i := range uint64(count) {
			if passes(procMessage(cnEventFork, 1<<40+i*tick)) {
				passed++
			}
		}
		if want := count / procSampleOf; passed < want/2 || passed > 2*want+1 {
			t.Errorf("%s: %d of %d are in the sample, not %d", name, passed, count, want)
		}
	}
	passes := filtered(t, procSampleFilter(1))
	for what, want := range map[uint32]bool{cnEventFork: true, cnEventExit: true, cnEventNone: false, 0x80: false} {
		if got := passes(procMessage(what, 12345)); got != want {
			t.Errorf("what is %#x passes: %v", what, got)
		}
	}
}

// TestSampleRate has less between samples where the buffer is small.
func TestSampleRate(t *testing.T) {
	for buffer, want := range map[int]uint32{0: 1, 2304: 1, 425984: 4, 2 * procConnectorBuffer: procSampleOf} {
		if got := procSampleRate(buffer); got != want {
			t.Errorf("of a buffer of %d bytes one of %d is in the sample, not %d", buffer, got, want)
		}
	}
}

// TestManyForksAreTakenInUnasked has forks wait until there are many, and then taken
// in though nobody asks.
func TestManyForksAreTakenInUnasked(t *testing.T) {
	resolver := newFollower(t)
	run := func(forks string) {
		if err := exec.Command("/bin/sh", "-c", "i=0; while [ $i -lt "+forks+" ]; do (:); i=$((i+1)); done").Run(); err != nil {
			t.Fatal(err)
		}
	}
	before := resolver.Stats().Lives
	run("4000")
	waitFor(t, "most forks are taken in", func() bool {
		run("200") // there may be no sample in the last of them, by chance
		return resolver.Stats().Lives.Forks-before.Forks > 3000
	})
	run("1")
	resolver.CatchUp()
	if after := resolver.Stats().Lives; after.Forks-before.Forks < 4001 || after.Missed != before.Missed {
		t.Errorf("told of %+v, then of %+v", before, after)
	}
}

// TestFewForksWakeNobody has what few processes leave wait until somebody asks.
func TestFewForksWakeNobody(t *testing.T) {
	for range 5 { // a sample may come by chance, and others fork too
		resolver := newFollower(t)
		resolver.CatchUp()
		before := resolver.Stats().Lives
		query := lived(t)
		time.Sleep(100 * time.Millisecond)
		waits := resolver.Stats().Lives == before
		if got := resolver.Identify(query); got.Inferred {
			t.Errorf("got %+v", got)
		}
		if waits {
			return
		}
	}
	t.Error("every fork is taken in at once")
}
