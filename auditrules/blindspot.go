package auditrules

import (
	"slices"

	"tripline/auditrules/kernel"
)

// BlindSpot is something that rules ask for and this kernel cannot report.
type BlindSpot struct {
	// What cannot be seen.
	What string
	// Why it cannot.
	Why string
	// Since is the first upstream kernel that can report it, such as "5.16";
	// empty for none.
	Since string
}

// String is the blind spot as a sentence for a person.
func (b BlindSpot) String() string {
	text := b.What + ": " + b.Why
	if b.Since != "" {
		text += "; upstream Linux " + b.Since + " and later can"
	}
	return text
}

// blindSpots lists what of the demands the kernel cannot report.
func (p *planner) blindSpots(demands []demand) []BlindSpot {
	var spots []BlindSpot
	if p.features.X32 == kernel.Supported && len(demands) > 0 {
		spots = append(spots, BlindSpot{
			What: "system calls by x32 programs",
			Why:  "the kernel was built with the x32 ABI and audits none of its calls, whatever the rules",
		})
	}
	fastOpen := slices.ContainsFunc(demands, func(d demand) bool { return d.calls[0] == "sendmsg" })
	for _, d := range demands {
		switch {
		case d.addressed:
			spots = append(spots, p.connectBlindSpots(fastOpen)...)
		case d.calls[0] == "exit_group":
			spots = append(spots, BlindSpot{
				What: "the end of processes by a signal, and of single threads",
				Why:  "only exit_group(2) stands for the end of a process in the records",
			})
		}
	}
	return spots
}

// connectBlindSpots lists the ways to connect that leave no record; those of TCP
// fast open if that is asked for.
func (p *planner) connectBlindSpots(fastOpen bool) []BlindSpot {
	var spots []BlindSpot
	rings := p.features.IOUring != kernel.Unsupported
	if rings && p.features.IOUringFilter != kernel.Supported {
		spots = append(spots, uringBlindSpot())
	}
	if rings && fastOpen {
		spots = append(spots, BlindSpot{
			What: "TCP fast open through io_uring",
			Why:  "no kernel filter reads the flags of a ring's operations, and to record every send would flood",
		})
	}
	for _, a := range p.abis {
		if _, has := a.calls["socketcall"]; has && fastOpen {
			spots = append(spots, BlindSpot{
				What: "TCP fast open by " + a.bits() + " programs through socketcall(2)",
				Why:  "the flags are in the program's memory, which no kernel filter reads, and to record every send would flood",
			})
		}
	}
	return spots
}

// uringBlindSpot says that rings connect unseen.
func uringBlindSpot() BlindSpot {
	return BlindSpot{
		What:  "connections through io_uring",
		Why:   "the kernel does not audit the operations of a ring, or could not be asked whether it does; that a ring is set up (io_uring_setup) is recorded in their place",
		Since: "5.16",
	}
}

// ringBlindSpot says that rings connect unseen, by a choice of rules.
func ringBlindSpot() *BlindSpot {
	return &BlindSpot{What: "connections through io_uring", Why: "no kernel rule that is loaded records them, or the set-up of rings"}
}

// asyncBlindSpot says that addresses of some operations of rings are unseen.
func asyncBlindSpot() *BlindSpot {
	return &BlindSpot{
		What: "the addresses of asynchronous connections through io_uring",
		Why:  "no kernel rule that is loaded records the calls that hand them in (io_uring_enter)",
	}
}
