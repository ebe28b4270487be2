package normalize

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// userCheckInterval is how long a change of the file may stay unnoticed.
	userCheckInterval = 5 * time.Second
	// userFileLimit, in bytes, userCountLimit and userNameLimit bound what is read
	// and kept of the file.
	userFileLimit  = 8 << 20
	userCountLimit = 65536
	userNameLimit  = 256
)

// userTable gives the names of users from a file in the form of passwd(5). It
// asks no name service, because that may need the network.
type userTable struct {
	path    string
	names   map[uint32]string
	version userFileVersion
	// checked is when the file was looked at last; now reads the clock.
	checked time.Time
	now     func() time.Time
}

// userFileVersion changes whenever the content of a file does.
type userFileVersion struct {
	inode, size uint64
	modified    int64
}

func newUserTable(path string) *userTable {
	return &userTable{path: path, now: time.Now}
}

// name is the name of a user id, empty where it has none.
func (t *userTable) name(uid uint32) string {
	if now := t.now(); t.checked.IsZero() || now.Sub(t.checked) >= userCheckInterval {
		t.checked = now
		t.refresh()
	}
	return t.names[uid]
}

// refresh reads the file where it has changed. Where it cannot be read, which may
// be so for a moment while it is replaced, the names remain.
func (t *userTable) refresh() {
	var stat unix.Stat_t
	if unix.Stat(t.path, &stat) != nil {
		return
	}
	version := userVersionOf(&stat)
	if version == t.version {
		return
	}
	data, err := userReadFile(t.path)
	if err != nil {
		return
	}
	t.names, t.version = userParse(data), version
}

func userVersionOf(stat *unix.Stat_t) userFileVersion {
	return userFileVersion{inode: stat.Ino, size: uint64(stat.Size), modified: stat.Mtim.Nano()}
}

// userReadFile reads at most userFileLimit bytes of a regular file.
func userReadFile(path string) ([]byte, error) {
	// Without O_NONBLOCK the opening of a pipe would wait for its other end.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("users: %s is not a regular file", path)
	}
	data, err := io.ReadAll(io.LimitReader(file, userFileLimit))
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	return data, nil
}

// userParse reads lines of the form NAME:PASSWORD:UID:…. The first name of an id
// counts, as for getpwuid(3). Other lines are skipped.
func userParse(data []byte) map[uint32]string {
	names := make(map[uint32]string)
	for line := range bytes.Lines(data) {
		name, rest, _ := bytes.Cut(line, []byte(":"))
		_, rest, _ = bytes.Cut(rest, []byte(":"))
		number, _, complete := bytes.Cut(rest, []byte(":"))
		if !complete || !userNameValid(name) {
			continue
		}
		uid, err := strconv.ParseUint(string(number), 10, 32)
		if err != nil {
			continue
		}
		if _, known := names[uint32(uid)]; !known && len(names) < userCountLimit {
			names[uint32(uid)] = string(name)
		}
	}
	return names
}

// userNameValid refuses comments, the "+" and "-" lines of NIS and what no
// program would have written.
func userNameValid(name []byte) bool {
	if len(name) == 0 || len(name) > userNameLimit || bytes.IndexByte([]byte("#+-"), name[0]) >= 0 {
		return false
	}
	for _, c := range name {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}
