package auditrules

import (
	"fmt"

	"tripline/auditrules/kernel"
)

// UpstreamFeatures is what an upstream kernel of a release, such as "5.10", has,
// for planning for a host that cannot be asked. Distributions carry features back,
// so that it may be less than a host has; of what a kernel may be built without
// (x32) it says Unknown. An empty release leaves all Unknown.
func UpstreamFeatures(machine, release string) (kernel.Features, error) {
	features := kernel.Features{Release: release, Machine: machine}
	if release == "" {
		return features, nil
	}
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return features, fmt.Errorf("the kernel release %q does not begin with two numbers, as 5.10 does: %w", release, err)
	}
	if major < 2 || minor < 0 {
		return features, fmt.Errorf("there is no kernel release %q with audit; the oldest is 2.6", release)
	}
	since := func(thenMajor, thenMinor int) kernel.Support {
		if major > thenMajor || major == thenMajor && minor >= thenMinor {
			return kernel.Supported
		}
		return kernel.Unsupported
	}
	features.BacklogWaitTime = since(3, 14)
	features.Multicast = since(3, 16)
	features.Executable = since(4, 3)
	features.LostReset = since(4, 10)
	features.SessionID = since(4, 10)
	features.IOUring = since(5, 1)
	features.SaddrFamily = since(5, 3)
	features.IOUringFilter = since(5, 16)
	return features, nil
}
