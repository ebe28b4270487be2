package normalize

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The identifiers of mounts are the host's: no two mounts of any namespaces have
// the same, so that a mount names its namespace.

// procMountOf is the identifier of the mount through which a path is reached, from
// the file fdinfo of proc(5); an error on kernels before 3.15.
func procMountOf(folder int, path string) (uint64, error) {
	fd, err := unix.Openat(folder, path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	data, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(data) {
		if value, found := bytes.CutPrefix(line, []byte("mnt_id:")); found {
			return strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 64)
		}
	}
	return 0, unix.ENODATA
}

// firstMount is the identifier of a process's first mount, see mountinfo in
// proc(5).
func (h *procHost) firstMount(process string) (uint64, error) {
	list, err := os.Open(h.root + "/" + process + "/mountinfo")
	if err != nil {
		return 0, err
	}
	defer list.Close() //nolint:errcheck // nothing was written
	line, err := bufio.NewReader(list).ReadString('\n')
	if err != nil {
		return 0, err
	}
	number, _, _ := strings.Cut(line, " ")
	return strconv.ParseUint(number, 10, 64)
}

// isListed says whether the host's list of mounts has one at a path.
func (h *procHost) isListed(path string) (bool, error) {
	list, err := os.Open(h.root + "/" + h.mounts)
	if err != nil {
		return false, err
	}
	defer list.Close() //nolint:errcheck // nothing was written
	point := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(path)
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		if isMountedAt(lines.Text(), point) {
			return true, nil
		}
	}
	return false, lines.Err()
}

// isMountedAt says whether a line of mountinfo is of a mount at a point, which is
// its fifth field.
func isMountedAt(line, point string) bool {
	for range 4 {
		_, rest, found := strings.Cut(line, " ")
		if !found {
			return false
		}
		line = rest
	}
	found, _, _ := strings.Cut(line, " ")
	return found == point
}
