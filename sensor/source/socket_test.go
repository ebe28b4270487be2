package source

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// sendAs sends a message as the kernel does.
func sendAs(t *testing.T, kernel int, kind uint16, body string) {
	t.Helper()
	message := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(body))
	binary.NativeEndian.PutUint32(message, uint32(cap(message)))
	binary.NativeEndian.PutUint16(message[4:], kind)
	if _, err := unix.Write(kernel, append(message, body...)); err != nil {
		t.Fatal(err)
	}
}

// TestOnlyRecordsAreRecords has what else the kernel writes to the owner of the
// socket: answers, and the question whether it lives, with a pid in four bytes.
func TestOnlyRecordsAreRecords(t *testing.T) {
	receiver, kernel := omitPair(t)
	for _, test := range []struct {
		kind   uint16
		body   string
		record bool
	}{
		{2, "\x00\x00\x00\x00", false},
		{1000, "status", false},
		{1005, "audit(1.000:1): text", true},
		{replaceRequest, "\x2a\x00\x00\x00", false},
		{replaceRequest, "audit(1.000:2): text", true},
		{1300, "audit(1.000:3): arch=c000003e", true},
	} {
		sendAs(t, kernel, test.kind, test.body)
		messages, err := receiver.receive(10 * time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(messages) == 1; got != test.record {
			t.Errorf("type %d, %q: %d records", test.kind, test.body, len(messages))
		}
	}
}
