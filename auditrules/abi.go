package auditrules

import "fmt"

// abi is one system-call interface of a machine, as a kernel audit rule selects
// it with its arch field.
type abi struct {
	// arch is the name of the interface in go-libaudit's tables.
	arch string
	// short is what auditctl calls it on this machine, b64 or b32.
	short string
	// socketcall says that this interface has the multiplexed socketcall(2)
	// beside or instead of the direct system calls.
	socketcall bool
}

// abisOf lists every interface through which a process on the machine can make
// system calls. The machine is what uname(2) reports, so that a 32-bit program
// on a 64-bit kernel covers the 64-bit interface too.
func abisOf(machine string) ([]abi, error) {
	switch machine {
	case "x86_64", "amd64":
		return []abi{{arch: "x86_64", short: "b64"}, {arch: "i386", short: "b32", socketcall: true}}, nil
	case "i386", "i486", "i586", "i686", "386":
		return []abi{{arch: "i386", short: "b32", socketcall: true}}, nil
	case "aarch64", "arm64":
		return []abi{{arch: "aarch64", short: "b64"}, {arch: "arm", short: "b32"}}, nil
	case "arm", "armv5tel", "armv6l", "armv7l", "armv8l":
		return []abi{{arch: "arm", short: "b32"}}, nil
	case "ppc64le":
		return []abi{{arch: "ppc64le", short: "b64", socketcall: true}}, nil
	case "s390x":
		return []abi{
			{arch: "s390x", short: "b64", socketcall: true},
			{arch: "s390", short: "b32", socketcall: true},
		}, nil
	}
	return nil, fmt.Errorf("kernel audit rules for machine %q are not known to this version; it knows x86_64, i386 to i686, aarch64, arm, ppc64le and s390x", machine)
}
