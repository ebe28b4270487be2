package live

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"tripline/auditrules/kernel"
)

// TestMulticastIsProvedWithoutAuditWrite has a process that may control audit and
// not write records, as the service is, find out that multicast delivers.
func TestMulticastIsProvedWithoutAuditWrite(t *testing.T) {
	needLive(t)
	unchanged(t)
	client, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	before, err := client.Status()
	if err != nil {
		t.Fatal(err)
	}
	setEnabled(t, client, 1)
	t.Cleanup(func() { setEnabled(t, client, before.Enabled) })
	want := client.Features().Multicast
	proven := make(chan kernel.Support, 1)
	go func() {
		defer close(proven)
		runtime.LockOSThread() // for good: the thread ends without its capability
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var have [2]unix.CapUserData
		if err := unix.Capget(&header, &have[0]); err != nil {
			t.Error(err)
			return
		}
		have[0].Effective &^= 1 << unix.CAP_AUDIT_WRITE
		if err := unix.Capset(&header, &have[0]); err != nil {
			t.Error(err)
			return
		}
		without, err := kernel.Open()
		if err != nil {
			t.Error(err)
			return
		}
		defer without.Close()
		proven <- without.ProveMulticast()
	}()
	if got := <-proven; got != want {
		t.Errorf("that a record is delivered is %v, not %v", got, want)
	}
}
