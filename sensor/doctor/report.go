package doctor

import "tripline/auditrules/kernel"

// State is the outcome of a check.
type State string

// The states. Failed says that the host cannot be watched as it is; Warning that
// it can, and that something is missed or bears a risk; Unknown that the check
// could not be made, mostly for want of privilege.
const (
	OK      State = "ok"
	Warning State = "warning"
	Failed  State = "fail"
	Unknown State = "unknown"
)

// Check is one thing that was examined.
type Check struct {
	// ID names the check for programs; it does not change between releases.
	ID string `json:"id"`
	// Title names it for a person.
	Title string `json:"title"`
	State State  `json:"state"`
	// Text says what was found and what it means on this host.
	Text string `json:"text"`
	// Mend is the one command that mends it, empty where there is none.
	Mend string `json:"mend,omitempty"`
	// Details are lines of what was found, such as rules.
	Details []string `json:"details,omitempty"`
}

// Report is the outcome of an examination.
type Report struct {
	// State is the worst of the checks; Unknown counts less than Warning.
	State State `json:"state"`
	// Kernel says what the kernel's audit can do.
	Kernel Abilities `json:"kernel"`
	Checks []Check   `json:"checks"`
}

// Abilities are the kernel's features under names that do not change between
// releases; each is yes, no or unknown.
type Abilities struct {
	Release            string         `json:"release"`
	Machine            string         `json:"machine"`
	StatusSize         int            `json:"status_size"`
	BacklogWaitTime    kernel.Support `json:"backlog_wait_time"`
	LostReset          kernel.Support `json:"lost_reset"`
	Multicast          kernel.Support `json:"multicast"`
	MulticastDelivered kernel.Support `json:"multicast_delivered"`
	SaddrFamily        kernel.Support `json:"saddr_fam"`
	Executable         kernel.Support `json:"exe"`
	SessionID          kernel.Support `json:"sessionid"`
	IOUring            kernel.Support `json:"io_uring"`
	IOUringFilter      kernel.Support `json:"io_uring_filter"`
	X32                kernel.Support `json:"x32"`
	ForceReceiveBuffer kernel.Support `json:"force_receive_buffer"`
	ReceiveBuffer      int            `json:"receive_buffer"`
}

func abilitiesOf(f kernel.Features) Abilities {
	return Abilities{
		Release: f.Release, Machine: f.Machine, StatusSize: f.StatusSize, BacklogWaitTime: f.BacklogWaitTime,
		LostReset: f.LostReset, Multicast: f.Multicast, MulticastDelivered: f.MulticastDelivered,
		SaddrFamily: f.SaddrFamily, Executable: f.Executable, SessionID: f.SessionID, IOUring: f.IOUring,
		IOUringFilter: f.IOUringFilter, X32: f.X32, ForceReceiveBuffer: f.ForceReceiveBuffer, ReceiveBuffer: f.ReceiveBuffer,
	}
}

// Count says how many checks have a state.
func (r *Report) Count(state State) int {
	count := 0
	for _, one := range r.Checks {
		if one.State == state {
			count++
		}
	}
	return count
}

// conclude sets the report's state.
func (r *Report) conclude() {
	r.State = OK
	for _, state := range []State{Unknown, Warning, Failed} {
		if r.Count(state) > 0 {
			r.State = state
		}
	}
}
