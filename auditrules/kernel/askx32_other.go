//go:build !amd64

package kernel

// askX32 answers that there is no x32, which x86-64 kernels alone have; a 32-bit
// program cannot ask such a kernel.
func askX32() Support {
	if _, machine := names(); machine == "x86_64" {
		return Unknown
	}
	return Unsupported
}
