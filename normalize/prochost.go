package normalize

import (
	"bytes"
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// procHost looks at executables from the host: from the root directory and the
// mount namespace of the first process.
//
// Nothing is remembered of a file. That another file is executed under the same
// name is noticed only by looking, and looking is two or three system calls.
type procHost struct {
	root string
	// tree is a descriptor of the host's root directory.
	tree int
	// namespace is the inode of the host's mount namespace, 0 where it is not
	// known.
	namespace uint64
	// mounts is the file in root that lists the host's mounts.
	mounts string
	path   []byte
	link   [4096]byte
	target []byte
	// named are the executables that processes had by the names in their records.
	named procAnswered[uint32, []byte]
}

// newProcHost returns nil where root shows other pids than those of this process's
// namespace, or is a copy of a proc file system.
func newProcHost(root string) *procHost {
	if !procShowsSelf(root) || !procIsMounted(root) {
		return nil
	}
	h := &procHost{root: root, tree: -1, mounts: "self/mountinfo", path: make([]byte, 0, len(root)+64)}
	own, ownErr := h.firstMount("self")
	first, firstErr := h.firstMount("1")
	if ownErr == nil && firstErr == nil && own == first {
		h.namespace = procNamespace([]byte(root + "/self/ns/mnt\x00"))
	} else if h.tree = procOpenTree(root + "/1/root"); h.tree >= 0 {
		h.namespace, h.mounts = procNamespace([]byte(root+"/1/ns/mnt\x00")), "1/mountinfo"
	}
	if h.tree < 0 {
		h.tree = procOpenTree("/")
	}
	if h.tree < 0 {
		return nil
	}
	return h
}

func procOpenTree(path string) int {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

func procLinkText(root, name string) (string, error) {
	var target [64]byte
	n, err := unix.Readlink(root+"/"+name, target[:])
	return string(target[:max(n, 0)]), err
}

// procNamespace is the inode number of a namespace by a link of a process to it, whose
// path ends with a NUL: "mnt:[4026531841]", see namespaces(7). It is 0 where there is
// none. To follow the link takes twice as long.
func procNamespace(link []byte) uint64 {
	var target [64]byte
	n, err := procReadlink(link, target[:])
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(target[:n], []byte(":["))
	number, closed := bytes.CutSuffix(after, []byte("]"))
	inode, ok := procParseUint(number)
	if !closed || !ok {
		return 0
	}
	return inode
}

func (h *procHost) close() { _ = unix.Close(h.tree) }

// of is root/PID/name, ended with a NUL.
func (h *procHost) of(pid uint32, name string) []byte {
	h.path = append(procAppendPath(h.path[:0], h.root, pid, name), 0)
	return h.path
}

// executable reads what the link exe of a process says; in the sensor's view, which
// is the host's but for other mount namespaces. It is valid until the next call.
func (h *procHost) executable(pid uint32) ([]byte, error) {
	n, err := procReadlink(h.of(pid, "exe"), h.link[:])
	if err == nil && n == len(h.link) {
		err = unix.ENAMETOOLONG
	}
	return h.link[:max(n, 0)], err
}

// rootOf reads what the link root of a process says. It is valid until the next
// call.
func (h *procHost) rootOf(pid uint32) ([]byte, error) {
	if h.target == nil {
		h.target = make([]byte, len(h.link))
	}
	n, err := procReadlink(h.of(pid, "root"), h.target)
	return h.target[:max(n, 0)], err
}

// file is the file that a process executes.
func (h *procHost) file(pid uint32) (found unix.Stat_t, err error) {
	path := h.of(pid, "exe")
	err = unix.Stat(text(path[:len(path)-1]), &found)
	return found, err
}

// at is the file that the host has at a path.
func (h *procHost) at(path string) (found unix.Stat_t, err error) {
	if path == "" || path[0] != '/' || len(path) == 1 {
		return found, unix.ENOENT
	}
	err = unix.Fstatat(h.tree, path[1:], &found, 0)
	return found, err
}

// isMountPoint says whether something is mounted right at a path of the host.
func (h *procHost) isMountPoint(path string) (bool, error) {
	var found unix.Statx_t
	err := unix.Statx(h.tree, path[1:], 0, unix.STATX_BASIC_STATS, &found)
	if err == nil && found.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 { // from 5.8 on
		return found.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, nil
	}
	return h.isListed(path)
}

// isSameMount says whether a removed executable was removed from where the host has
// the folder of a path: the process has it from the same mount.
func (h *procHost) isSameMount(pid uint32, path string, file *unix.Stat_t) bool {
	folder := directory(path)
	held, err := h.at(folder)
	if folder == "/" {
		held, err = procStatOf(h.tree)
	}
	if err != nil || held.Dev != file.Dev {
		return false
	}
	if listed, err := h.isListed(path); err != nil || listed {
		return false
	}
	executable := h.of(pid, "exe")
	of, ofErr := procMountOf(unix.AT_FDCWD, text(executable[:len(executable)-1]))
	in, inErr := procMountOf(h.tree, "."+folder)
	if ofErr == nil && inErr == nil {
		return of == in
	}
	// Kernels before 3.15 do not tell the mount of a file. In the same
	// namespace the path is that of a mount that is seen there.
	of, ofErr = h.firstMount(strconv.FormatUint(uint64(pid), 10))
	in, inErr = h.firstMount(h.mounts[:bytes.IndexByte([]byte(h.mounts), '/')])
	return ofErr == nil && inErr == nil && of == in
}

func procStatOf(fd int) (found unix.Stat_t, err error) {
	err = unix.Fstat(fd, &found)
	return found, err
}

// namespaceOf is the inode of a process's mount namespace, 0 where it is the host's
// or not known.
func (h *procHost) namespaceOf(pid uint32) uint64 {
	number := procNamespace(h.of(pid, "ns/mnt"))
	if number == h.namespace || h.namespace == 0 {
		return 0
	}
	return number
}

// procGone says that an error means that a process has ended, or is a kernel thread.
func procGone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) }
