package sensor

import (
	"sync"

	"github.com/hashicorp/go-hclog"

	"tripline/auditrules/kernel"
	"tripline/sensor/source"
)

// lossCounter compares the counters of losses with what they were and says so
// when they have grown, and when the sensor can no longer see.
type lossCounter struct {
	log      hclog.Logger
	started  bool
	lost     uint32
	overruns uint64
	blind    bool
}

// compare takes the newest counters. The pid is the sensor's own, which must own
// the audit socket in unicast mode.
func (c *lossCounter) compare(status kernel.Status, received source.Stats, pid uint32, mode source.Mode) {
	if status.Lost < c.lost { // somebody reset the counter (auditctl --reset-lost)
		c.lost = 0
	}
	if c.started && status.Lost != c.lost {
		c.log.Error("the kernel lost audit records: events are missing", "records", status.Lost-c.lost, "since_boot", status.Lost)
	}
	if received.Overruns != c.overruns {
		c.log.Error("the receive buffer overran: events are missing; raise receive_buffer in [kernel]", "times", received.Overruns-c.overruns)
	}
	blind := status.Enabled == 0 || (mode == source.Unicast && status.PID != pid)
	if blind && !c.blind {
		c.log.Error("the sensor is blind: auditing was switched off or another process took the audit socket", "enabled", status.Enabled, "audit_pid", status.PID)
	}
	if c.blind && !blind {
		c.log.Info("the sensor sees again")
	}
	c.started, c.lost, c.overruns, c.blind = true, status.Lost, received.Overruns, blind
}

// reportLimit keeps messages about single records from filling the log: the
// first few of each kind are said, then every power of ten.
type reportLimit struct {
	log   hclog.Logger
	mu    sync.Mutex
	count map[string]uint64
}

// shownInFull is how many messages of one kind are said one by one.
const shownInFull = 10

func (r *reportLimit) warn(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count = make(map[string]uint64)
	}
	r.count[what]++
	n := r.count[what]
	if n <= shownInFull || isPowerOfTen(n) {
		r.log.Warn(what, "error", err, "times", n)
	}
}

func isPowerOfTen(n uint64) bool {
	for n >= 10 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}
