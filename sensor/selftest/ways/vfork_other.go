//go:build !amd64 && !arm64 && !386

package ways

import "fmt"

// Vfork needs a few lines of the machine's own language.
func Vfork(func(pid int) error) error {
	return fmt.Errorf("%w: not written for this kind of machine", ErrImpossible)
}
