package source

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestReceiveFailures tells errors that pass from those of the program itself.
func TestReceiveFailures(t *testing.T) {
	for _, err := range []error{unix.ENOMEM, unix.EMSGSIZE, unix.ENOBUFS, unix.EIO, unix.ECONNREFUSED, unix.EPERM} {
		if isOurs(err) {
			t.Errorf("%v ends the sensor", err)
		}
	}
	for _, err := range []error{unix.EBADF, unix.ENOTSOCK} {
		if !isOurs(err) {
			t.Errorf("%v does not end", err)
		}
	}
}
