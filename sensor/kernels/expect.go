package main

import (
	"fmt"
	"regexp"
	"slices"

	"tripline/auditrules/kernel"
	"tripline/sensor/kernels/report"
)

// known is what is known of the kernels of one kind, from their sources and from
// having tried each by hand: what the sensor finds out must agree.
type known struct {
	release     *regexp.Regexp
	statusBytes int
	// has are the features of which the kernel has all, of the seven that
	// kernel.AllFeatures lists.
	has []kernel.Feature
	// ioUring says whether programs can use io_uring.
	ioUring bool
}

// knownKernels lists the kinds from the oldest. Distributions carry features
// back, so theirs come before the upstream release.
func knownKernels() []known {
	kind := func(release string, statusBytes int, ioUring bool, has ...kernel.Feature) known {
		return known{regexp.MustCompile(`^` + release), statusBytes, has, ioUring}
	}
	const (
		multicast, waitTime, lostReset = kernel.FeatureMulticast, kernel.FeatureWaitTime, kernel.FeatureLostReset
		family, executable, session    = kernel.FeatureSaddrFamily, kernel.FeatureExecutable, kernel.FeatureSessionID
		ring                           = kernel.FeatureIOUringFilter
	)
	return []known{
		kind(`2\.6\.32-.*\.el6`, 32, false),
		kind(`3\.10\.0-1160.*\.el7`, 36, false, executable, session),
		kind(`3\.13\.`, 32, false),
		kind(`3\.16\.`, 40, false, multicast, waitTime),
		kind(`4\.4\.`, 40, false, multicast, waitTime, executable),
		kind(`4\.9\.`, 40, false, multicast, waitTime, executable),
		kind(`4\.14\.`, 40, false, multicast, waitTime, executable, session, lostReset),
		kind(`4\.18\.0-.*\.el8`, 40, false, multicast, waitTime, executable, session, lostReset, family),
		kind(`4\.19\.`, 40, false, multicast, waitTime, executable, session, lostReset),
		kind(`5\.10\.`, 44, true, multicast, waitTime, executable, session, lostReset, family),
		kind(`(5\.1[5-9]|6\.|7\.)`, 44, true, multicast, waitTime, executable, session, lostReset, family, ring),
	}
}

// compareFeatures lists where what was found out differs from what is known.
// Kernels of which nothing is known agree.
func compareFeatures(found map[string]string) []string {
	var problems []string
	expect := func(what, want string) {
		if found[what] != want {
			problems = append(problems, fmt.Sprintf("%s: found %q, known %q", what, found[what], want))
		}
	}
	for _, k := range knownKernels() {
		if !k.release.MatchString(found[report.Release]) {
			continue
		}
		expect("status bytes", fmt.Sprint(k.statusBytes))
		expect("io_uring", yesNo(k.ioUring))
		for _, feature := range kernel.AllFeatures() {
			expect(feature.String(), yesNo(slices.Contains(k.has, feature)))
		}
		break
	}
	return problems
}

func yesNo(yes bool) string {
	if yes {
		return kernel.Supported.String()
	}
	return kernel.Unsupported.String()
}
