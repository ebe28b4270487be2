package sensor

import (
	"io"
	"runtime"
)

// repeated reads the same text again and again until so many bytes are read.
type repeated struct {
	text     []byte
	at, left int
	// look is called every so many bytes.
	every, sinceLook int
	look             func()
}

func (r *repeated) Read(to []byte) (int, error) {
	if r.left <= 0 && r.at == 0 {
		return 0, io.EOF
	}
	n := copy(to, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	r.left -= n
	if r.sinceLook += n; r.look != nil && r.sinceLook >= r.every {
		r.sinceLook = 0
		r.look()
	}
	return n, nil
}

// heapInUse is how many bytes of heap are reachable or not yet collected.
func heapInUse() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
