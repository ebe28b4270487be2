package evidence

import (
	"bytes"
	"strings"
	"sync"
	"time"
)

// users names users as a file in the form of passwd(5) does. It asks no name
// service, because that may need the network. It may be used by any goroutine.
type users struct {
	path string

	mu    sync.Mutex
	read  time.Time
	names map[string]string
}

const (
	usersAge       = 5 * time.Second
	usersFileLimit = 8 << 20
)

func (u *users) name(id string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.names == nil || time.Since(u.read) > usersAge {
		u.read = time.Now()
		if data, err := readStart(u.path, usersFileLimit); err == nil {
			u.names = parseUsers(data)
		}
	}
	return u.names[id]
}

// parseUsers reads lines of the form NAME:PASSWORD:UID:…; the first name of a
// number counts.
func parseUsers(data []byte) map[string]string {
	names := make(map[string]string)
	for line := range bytes.Lines(data) {
		fields := strings.SplitN(string(line), ":", 4)
		if len(fields) < 4 || fields[0] == "" || strings.ContainsAny(fields[0][:1], "#+-") {
			continue
		}
		if _, known := names[fields[2]]; !known {
			names[fields[2]] = strings.ToValidUTF8(fields[0], "\ufffd")
		}
	}
	return names
}
