package doctor

import (
	"fmt"

	"tripline/auditrules/kernel"
)

// roomyBacklog is a backlog that takes some seconds of a flood. It costs memory, a
// few KiB a record, only when it fills.
const roomyBacklog = 32768

// checkBacklog says whether the kernel's queue has room for bursts.
func (e *examination) checkBacklog() Check {
	check := Check{ID: "backlog", Title: "backlog limit", State: OK}
	if e.statusErr != nil {
		return e.unseen(check, e.statusErr)
	}
	limit, wanted := e.status.BacklogLimit, e.Config.Kernel.BacklogLimit
	_, held := e.receiver()
	switch {
	case limit == 0:
		check.Text = "none"
	case limit >= wanted:
		check.Text = fmt.Sprintf("%d records", limit)
	case !held && !e.status.Locked():
		check.Text = fmt.Sprintf("%d records; Tripline raises it to %d while it runs", limit, wanted)
	default:
		check.State = Warning
		check.Text = fmt.Sprintf("%d records, and bursts need %d or more; Tripline leaves the setting to the audit daemon", limit, wanted)
		check.Mend = fmt.Sprintf("auditctl -b %d", wanted)
		if e.status.Locked() {
			check.Text = fmt.Sprintf("%d records, and bursts need %d or more; it is locked until the next boot", limit, wanted)
			check.Mend = e.host.bootCommand(fmt.Sprintf("audit_backlog_limit=%d", wanted), "")
		}
	}
	return check
}

// checkWaitTime says whether audited programs may have to wait for the receiver.
func (e *examination) checkWaitTime() Check {
	check := Check{ID: "wait_time", Title: "wait time", State: OK}
	if e.statusErr != nil {
		return e.unseen(check, e.statusErr)
	}
	_, held := e.receiver()
	switch {
	case e.features.BacklogWaitTime != kernel.Supported && e.status.BacklogLimit >= roomyBacklog:
		check.Text = fmt.Sprintf("fixed in this kernel (settable since %s); the large backlog keeps programs from waiting", kernel.FeatureWaitTime.Since())
	case e.features.BacklogWaitTime != kernel.Supported:
		check.State = Warning
		check.Text = fmt.Sprintf("fixed in this kernel (settable since %s): with a full backlog audited programs wait up to a minute, so it should never be full",
			kernel.FeatureWaitTime.Since())
		check.Mend = fmt.Sprintf("auditctl -b %d", roomyBacklog)
	case e.status.BacklogWaitTime == 0:
		check.Text = "0: no audited program ever waits for the receiver"
	case !held && !e.status.Locked():
		check.Text = "Tripline sets it to 0 while it runs, so that no audited program waits"
	default:
		check.State = Warning
		check.Text = fmt.Sprintf("%d ticks: should the audit daemon stall, audited programs wait with it", e.status.BacklogWaitTime)
		if !e.status.Locked() {
			check.Mend = "auditctl --backlog_wait_time 0"
		}
	}
	return check
}

// checkFailureMode warns of a kernel that panics when it loses a record.
func (e *examination) checkFailureMode() Check {
	check := Check{ID: "failure_mode", Title: "failure mode", State: OK}
	switch {
	case e.statusErr != nil:
		return e.unseen(check, e.statusErr)
	case e.status.Failure == 0:
		check.Text = "silent: the kernel counts lost records and says nothing"
	case e.status.Failure == 1:
		check.Text = "the kernel says in its log that it lost records"
	default:
		check.State = Warning
		check.Text = "panic: the kernel stops this host when it loses an audit record, and more auditing makes that likelier"
		if !e.status.Locked() {
			check.Mend = "auditctl -f 1"
		}
	}
	return check
}

// checkRateLimit warns of a limit above which records are dropped.
func (e *examination) checkRateLimit() Check {
	check := Check{ID: "rate_limit", Title: "rate limit", State: OK, Text: "none"}
	if e.statusErr != nil {
		return e.unseen(check, e.statusErr)
	}
	if limit := e.status.RateLimit; limit > 0 {
		check.State = Warning
		check.Text = fmt.Sprintf("the kernel drops what exceeds %d records a second; one event takes four", limit)
		if !e.status.Locked() {
			check.Mend = "auditctl -r 0"
		}
	}
	return check
}

// checkLost says whether the kernel has lost records.
func (e *examination) checkLost() Check {
	check := Check{ID: "lost", Title: "lost records", State: OK, Text: "none"}
	if e.statusErr != nil {
		return e.unseen(check, e.statusErr)
	}
	if lost := e.status.Lost; lost > 0 {
		check.State = Warning
		check.Text = fmt.Sprintf("the kernel has lost %d since it booted or the counter was reset", lost)
		if e.features.LostReset == kernel.Supported && !e.status.Locked() {
			check.Text += "; reset the counter to see whether it still does"
			check.Mend = "auditctl --reset-lost"
		}
	}
	return check
}
