package kernel

import (
	"encoding/binary"
	"strings"
	"testing"
)

// statusBytes is a status as a kernel answers it, each field having its index as
// value, cut to size.
func statusBytes(size int) []byte {
	data := make([]byte, max(size, 64))
	for i := range len(data) / 4 {
		binary.NativeEndian.PutUint32(data[4*i:], uint32(i))
	}
	binary.NativeEndian.PutUint32(data, 0xdeadbeef) // the mask of 2.6.32
	return data[:size]
}

func TestStatusOfEveryLength(t *testing.T) {
	oldest := Status{Enabled: 1, Failure: 2, PID: 3, RateLimit: 4, BacklogLimit: 5, Lost: 6, Backlog: 7}
	withBitmap := oldest
	withBitmap.Features = 8
	withWait := withBitmap
	withWait.BacklogWaitTime = 9
	for size, want := range map[int]Status{32: oldest, 36: withBitmap, 40: withWait, 44: withWait, 48: withWait} {
		got, err := parseStatus(statusBytes(size))
		if err != nil || got != want {
			t.Errorf("%d bytes: %+v, %v", size, got, err)
		}
	}
	if _, err := parseStatus(statusBytes(28)); err == nil || !strings.Contains(err.Error(), "28 bytes") {
		t.Errorf("28 bytes: %v", err)
	}
}
