package normalize

import (
	"bytes"
	"hash/maphash"
	"strings"

	"golang.org/x/sys/unix"
)

// procOriginLimit bounds for how many processes and paths it is remembered that the
// executable was the host's.
const procOriginLimit = 4096

// procProved is a name by which a process was found to execute the host's file.
type procProved struct {
	entity string
	name   uint64 // a hash
}

// procFile tells a file from every other one, also from one that has its inode
// number later.
type procFile struct {
	device, inode uint64
	changed       unix.Timespec
}

// procSeen is a file and the batch after whose receipt the process was last seen to
// execute it.
type procSeen struct {
	file  procFile
	batch procBatch
}

func procFileOf(found *unix.Stat_t) procFile {
	return procFile{device: uint64(found.Dev), inode: found.Ino, changed: found.Ctim} //nolint:unconvert // 32 bits on some architectures
}

// HostPath implements origins. For a process that executes what its record says it
// makes a single system call and does not allocate.
//
// What has been executed since by the same process, or is not there any more, has
// the record's path.
func (r *ProcResolver) HostPath(q ProcessQuery, recorded string) HostPath {
	path, marked := strings.CutSuffix(recorded, deletedSuffix)
	seen := HostPath{Path: path, Deleted: marked}
	if r.host == nil {
		return seen
	}
	named, known := r.host.named.slot(uint64(q.PID), q.PID)
	if known && !marked && string(*named) == recorded {
		return seen
	}
	*named = (*named)[:0]
	link, err := r.host.executable(q.PID)
	if err != nil {
		return seen
	}
	if string(link) == recorded {
		*named = append(*named, link...)
		if marked && r.host.isNamedSo(q.PID, recorded) {
			seen = HostPath{Path: recorded}
		}
		return seen
	}
	name, removed := bytes.CutSuffix(link, []byte(deletedSuffix))
	switch {
	case string(name) == path:
		seen.Deleted = removed || marked
	case path != "" && bytes.HasSuffix(name, []byte(path)):
		seen = r.inRoot(q, seen, name, removed)
	}
	return seen
}

// inRoot is the path of an executable whose process has a root directory of its
// own: what the host calls it.
func (r *ProcResolver) inRoot(q ProcessQuery, recorded HostPath, path []byte, removed bool) HostPath {
	root, err := r.host.rootOf(q.PID)
	inside, under := bytes.CutPrefix(path, root)
	if err != nil || !under || string(inside) != recorded.Path || r.Identify(q).Inferred {
		return recorded
	}
	return HostPath{Path: text(path), Deleted: removed}
}

// isNamedSo says whether a running executable's name really ends like the kernel's
// mark of a removed file.
func (h *procHost) isNamedSo(pid uint32, path string) bool {
	file, err := h.file(pid)
	if err != nil || file.Nlink == 0 {
		return false
	}
	named, err := h.at(path)
	return err == nil && named.Dev == file.Dev && named.Ino == file.Ino
}

// Provenance implements origins. A process is compared with the host once; after
// that it takes one system call to see that it still executes the same file.
//
// Of a process that has ended, or executes something else by now, nothing can be
// seen. It has what it had when it was looked at for an earlier event.
func (r *ProcResolver) Provenance(q ProcessQuery, seen HostPath, name string) Provenance {
	if r.host == nil {
		return ProvenanceUnknown
	}
	process := r.Identify(q)
	key := procProved{entity: process.EntityID, name: maphash.String(r.seed, name)}
	known := r.proved.get(key)
	if known != nil && known.batch == *r.batch && known.batch != 0 {
		return ProvenanceHost
	}
	found, file := ProvenanceUnknown, procFile{}
	if !process.Inferred {
		file, found = r.host.provenance(q.PID, seen, name, known)
	}
	if known == nil && found != ProvenanceUnknown && r.Identify(q).EntityID != process.EntityID {
		return ProvenanceUnknown // what was looked at was another process
	}
	switch {
	case found == ProvenanceHost:
		r.proved.put(key, procSeen{file, *r.batch})
	case found == ProvenanceUnknown && known != nil:
		return ProvenanceHost
	}
	return found
}

// ParentProvenance implements origins.
func (r *ProcResolver) ParentProvenance(pid uint32, seen HostPath) Provenance {
	if r.host == nil {
		return ProvenanceUnknown
	}
	_, found := r.host.provenance(pid, seen, seen.Path, nil)
	return found
}

// MountNamespace implements origins. It is 0 for a process that has ended, and on
// kernels before 3.8, which do not tell.
func (r *ProcResolver) MountNamespace(pid uint32) uint64 {
	if r.host == nil {
		return 0
	}
	return r.host.namespaceOf(pid)
}

// provenance compares the file that a process, which was seen to execute one path,
// executes with the one that the host has under a name. The two differ for a
// process with a root directory of its own. known is the file that it was found to
// have from the host before, or nil.
func (h *procHost) provenance(pid uint32, seen HostPath, name string, known *procSeen) (procFile, Provenance) {
	file, err := h.file(pid)
	if err != nil {
		return procFile{}, ProvenanceUnknown
	}
	identity := procFileOf(&file)
	if known != nil && identity == known.file {
		return identity, ProvenanceHost
	}
	// The path is looked at after the file: it may execute another by now.
	link, err := h.executable(pid)
	if err != nil {
		return procFile{}, ProvenanceUnknown
	}
	path, marked := bytes.CutSuffix(link, []byte(deletedSuffix))
	switch {
	case string(link) == seen.Path:
		return identity, h.compare(&file, name)
	case marked && string(path) == seen.Path && name == seen.Path:
		return identity, h.removed(pid, &file, name)
	case marked && string(path) == seen.Path:
		return identity, ProvenanceBorrowed
	default:
		return identity, ProvenanceUnknown
	}
}

// compare says whether a file is the host's at a path. A file that something is
// mounted on is not what the host installed there.
func (h *procHost) compare(file *unix.Stat_t, path string) Provenance {
	host, err := h.at(path)
	switch {
	case procGone(err):
		return ProvenanceBorrowed
	case err != nil:
		return ProvenanceUnknown
	case host.Dev != file.Dev || host.Ino != file.Ino:
		if file.Nlink == 0 {
			return ProvenanceUnknown // replaced at this moment
		}
		return ProvenanceBorrowed
	}
	mounted, err := h.isMountPoint(path)
	switch {
	case err != nil:
		return ProvenanceUnknown
	case mounted:
		return ProvenanceBorrowed
	default:
		return ProvenanceHost
	}
}

// removed says whether a removed file was the host's at a path: a program that was
// upgraded while it runs, as sshd is, stays what it was.
func (h *procHost) removed(pid uint32, file *unix.Stat_t, path string) Provenance {
	if len(path) < 2 || path[0] != '/' {
		return ProvenanceUnknown
	}
	if h.isSameMount(pid, path, file) {
		return ProvenanceHost
	}
	return ProvenanceBorrowed
}
