package normalize

import (
	"slices"

	"tripline/detect"
)

// SetsUpRing says that the event is an io_uring ring being set up, recorded by a
// kernel rule with the given key. Rules have that system call only where the
// kernel cannot audit what a ring does.
func (e *Event) SetsUpRing(key string) bool {
	if d := e.known(); d.name != "io_uring_setup" || d.success != yes {
		return false
	}
	keys := e.keys()
	if keys.Kind() == detect.KindString {
		return keys.Text() == key
	}
	return slices.ContainsFunc(keys.Elements(), func(one detect.Value) bool { return one.Text() == key })
}
