//go:build !amd64

package ways

import "fmt"

// Int80 is of x86-64 alone.
func Int80(string) error {
	return fmt.Errorf("%w: 32-bit calls from a 64-bit program are of x86-64", ErrImpossible)
}

// X32 is of x86-64 alone.
func X32() error {
	return fmt.Errorf("%w: x32 is of x86-64", ErrImpossible)
}
