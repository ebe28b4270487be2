package auditrules

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Machine is the name of the running kernel's machine, such as x86_64, as
// uname(2) reports it.
func Machine() (string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", fmt.Errorf("asking what machine this is: %w", err)
	}
	return unix.ByteSliceToString(name.Machine[:]), nil
}
