package source

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"tripline/auditrules/kernel"
)

// On kernels where an audited process waits for room in the backlog whatever is
// set, these keep the wait away for as long as can be: a backlog so large and a
// rate so low that the guard, which needs a second and a half, sees a receiver
// that has stopped before the backlog is full. A receiver that runs takes several
// times that rate.
const (
	// waitingBacklog is the least backlog in records there; the kernel uses some
	// 30 MiB if it ever fills.
	waitingBacklog = 32768
	// waitingRate is the most records a second there. What is beyond it is lost
	// and counted as lost.
	waitingRate = 16000
)

// waits says whether processes may have to wait for the receiver: the wait time
// cannot be set (before Linux 3.14, and RHEL 7), or setting it has no effect, as
// measured on 3.16 and 4.9. That is not seen from outside, so that every release
// before 4.10 counts.
func waits(status kernel.Status, release string) bool {
	return status.Features&kernel.FeatureBacklogWaitTime == 0 || olderThan(release, 4, 10)
}

// olderThan compares the release of uname(2), such as "4.9.0-19-amd64". One that
// cannot be read is not older.
func olderThan(release string, major, minor int) bool {
	words := strings.FieldsFunc(release, func(r rune) bool { return r < '0' || r > '9' })
	if len(words) < 2 {
		return false
	}
	first, errFirst := strconv.Atoi(words[0])
	second, errSecond := strconv.Atoi(words[1])
	if errFirst != nil || errSecond != nil {
		return false
	}
	return first < major || first == major && second < minor
}

// kernelRelease is the release of uname(2), empty where it cannot be read.
func kernelRelease() string {
	var names unix.Utsname
	if unix.Uname(&names) != nil {
		return ""
	}
	return unix.ByteSliceToString(names.Release[:])
}
