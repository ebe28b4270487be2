package health

import (
	"context"
	"fmt"
	"time"

	"tripline/auditrules/kernel"
)

// checkStatus compares the kernel's status with what it should be.
func (w *Watcher) checkStatus(ctx context.Context, status kernel.Status, now time.Time) {
	w.checkEnabled(status, now)
	if w.Owner {
		w.checkSocket(ctx, status, now)
	} else {
		w.checkDaemon(status)
	}
	w.checkSettings(status)
	w.checkLost(status)
}

// set finds who gave a setting a value.
func (w *Watcher) set(setting string, value uint32) (*Who, time.Time) {
	return w.who(func(c Change) bool { return c.Setting == setting && c.New == value })
}

func (w *Watcher) checkEnabled(status kernel.Status, now time.Time) {
	if status.Locked() && !w.expected.Locked() {
		who, at := w.set("audit_enabled", 2)
		w.Board.Raise(Condition{
			Kind: AuditLocked, Who: who, Since: w.since(at),
			What: "the audit configuration was locked until the next boot: Tripline's rules and settings can be neither mended nor put back",
		})
	}
	if status.Enabled != 0 {
		w.Board.Clear(AuditingOff, "", "auditing is on again", nil)
		return
	}
	who, at := w.set("audit_enabled", 0)
	detail := map[string]any{}
	if !w.Reenable {
		detail["mend"] = "auditctl -e 1"
	}
	what := "auditing was switched off: nothing is seen"
	if w.expected.Enabled == 0 {
		what = "auditing is off, and here not for the sensor to switch on: nothing is seen"
	}
	w.Board.Raise(Condition{Kind: AuditingOff, Who: who, Since: w.since(at), Detail: detail, What: what})
	if w.Reenable && w.enabling.due(now) {
		if err := w.Host.Enable(); err == nil {
			w.Board.Clear(AuditingOff, "", "the sensor switched auditing on again", nil)
		}
	}
}

// checkSocket sees to the audit socket of a sensor that receives by unicast.
func (w *Watcher) checkSocket(ctx context.Context, status kernel.Status, now time.Time) {
	switch {
	case status.PID == w.PID:
		w.Board.Clear(SocketLost, "", "the sensor has the audit socket again", nil)
		w.Board.Clear(SocketTaken, "", "the sensor has the audit socket again", nil)
	case status.PID != 0 && w.Host.Alive(status.PID):
		who, at := w.set("audit_pid", status.PID)
		w.Board.Clear(SocketLost, "", "another process has the audit socket now", nil)
		w.Board.Raise(Condition{
			Kind: SocketTaken, Who: who, Since: w.since(at), Detail: map[string]any{"audit_pid": status.PID}, Extent: fmt.Sprint(status.PID),
			What: fmt.Sprintf("process %d took the kernel's audit socket: the sensor receives nothing; end that process, or restart the sensor to listen beside it", status.PID),
		})
	default:
		who, at := w.set("audit_pid", 0)
		w.Board.Clear(SocketTaken, "", "the process that took the audit socket is gone", nil)
		w.Board.Raise(Condition{
			Kind: SocketLost, Who: who, Since: w.since(at),
			What: "the kernel no longer hands its records to the sensor: it was unregistered, or did not read for too long",
		})
		if w.claiming.due(now) && w.Host.Reclaim(ctx) == nil {
			w.Board.Clear(SocketLost, "", "the sensor registered with the kernel again", nil)
		}
	}
}

// refused tells of an audit daemon that wanted to start and could not, because
// the sensor has the socket.
func (w *Watcher) refused(change Change) {
	who := change.Who
	w.Board.Raise(Condition{
		Kind: DaemonRefused, Since: change.Time, Who: &who, Detail: map[string]any{"audit_pid": change.New},
		What: fmt.Sprintf("process %d wanted the kernel's audit socket and the kernel refused, because the sensor has it; to run both, start the audit daemon first", change.New),
	})
	w.Board.Clear(DaemonRefused, "", "the kernel refused; the sensor has the audit socket", nil)
}

// checkDaemon watches the audit daemon beside a sensor that does not own the
// socket.
func (w *Watcher) checkDaemon(status kernel.Status) {
	pid := status.PID
	if pid != 0 && !w.Host.Alive(pid) {
		pid = 0 // the kernel notices at the next record
	}
	if w.Relayed {
		w.checkRelay(pid)
	}
	if pid == w.daemon {
		return
	}
	before := w.daemon
	w.daemon = pid
	if pid == 0 && w.Relayed {
		return
	}
	if pid == 0 {
		who, at := w.set("audit_pid", 0)
		w.Board.Raise(Condition{
			Kind: DaemonStopped, Who: who, Since: w.since(at), Detail: map[string]any{"audit_pid": before},
			What: fmt.Sprintf("the audit daemon beside the sensor (process %d) has ended: the kernel prints records to its log instead, at most so many a second", before),
		})
		return
	}
	who, at := w.set("audit_pid", pid)
	w.Board.Clear(DaemonStopped, "", fmt.Sprintf("an audit daemon runs again (process %d)", pid), map[string]any{"audit_pid": pid})
	w.Board.Raise(Condition{
		Kind: DaemonStarted, Who: who, Since: w.since(at), Detail: map[string]any{"audit_pid": pid, "before": before},
		What: fmt.Sprintf("another audit daemon has started beside the sensor (process %d); it may have loaded rules and settings of its own", pid),
	})
	w.Board.Clear(DaemonStarted, "", "the audit daemon's start was noted", nil)
	w.nextLook = w.Now()
}

// checkRelay tells when the daemon through which records reach the sensor does not
// run, as it may be from the start. Seen once only, it may be about to start anew or
// to end the sensor.
func (w *Watcher) checkRelay(pid uint32) {
	if pid != 0 {
		w.unrelayed = 0
		return
	}
	w.unrelayed++
	if w.unrelayed < 2 {
		return
	}
	who, at := w.set("audit_pid", 0)
	w.Board.Raise(Condition{
		Kind: DaemonStopped, Who: who, Since: w.since(at), Blind: true, Detail: map[string]any{"mend": "systemctl start auditd"},
		What: "the audit daemon through which records reach the sensor does not run: nothing is seen until it does",
	})
}

// checkSettings tells of settings that others made worse for the sensor or the
// host than they were when it began.
func (w *Watcher) checkSettings(status kernel.Status) {
	for _, one := range []struct {
		setting kernel.Setting
		record  string
		worse   bool
		what    string
	}{
		{kernel.SettingFailure, "audit_failure", status.Failure > 1 && w.expected.Failure <= 1, "the kernel panics when it loses an audit record"},
		{
			kernel.SettingRateLimit, "audit_rate_limit",
			status.RateLimit != 0 && (w.expected.RateLimit == 0 || status.RateLimit < w.expected.RateLimit), "the kernel drops records that come faster",
		},
		{
			kernel.SettingBacklogLimit, "audit_backlog_limit",
			status.BacklogLimit != 0 && (w.expected.BacklogLimit == 0 || status.BacklogLimit < w.expected.BacklogLimit), "the kernel queues fewer records before it loses them",
		},
		{
			kernel.SettingBacklogWaitTime, "audit_backlog_wait_time",
			status.BacklogWaitTime > w.expected.BacklogWaitTime, "audited programs are held up longer when records are not read in time",
		},
	} {
		name := one.setting.String()
		before, now := one.setting.Of(w.expected), one.setting.Of(status)
		if !one.worse {
			w.Board.Clear(SettingChanged, name, fmt.Sprintf("audit's %s is %d again", name, now), nil)
			continue
		}
		who, at := w.set(one.record, now)
		w.Board.Raise(Condition{
			Kind: SettingChanged, Subject: name, Who: who, Since: w.since(at), Extent: fmt.Sprint(now),
			Detail: map[string]any{"before": before, "now": now},
			What:   fmt.Sprintf("audit's %s was set from %d to %d: %s", name, before, now, one.what),
		})
	}
}

// checkLost adds up what the kernel says it lost. Its counter may be reset.
func (w *Watcher) checkLost(status kernel.Status) {
	before := w.last.Lost
	if status.Lost < before {
		before = 0
	}
	w.lostTotal += uint64(status.Lost - before)
}

// checkClock compares how far the wall clock went with the monotonic one.
func (w *Watcher) checkClock(now time.Time) {
	const tolerated = time.Second
	before, elapsedBefore := w.wall, w.elapsed
	w.wall, w.elapsed = now.Round(0), w.Elapsed() // without its monotonic part
	if before.IsZero() {
		return
	}
	jump := w.wall.Sub(before) - (w.elapsed - elapsedBefore)
	if jump.Abs() <= tolerated {
		return
	}
	w.Board.Raise(Condition{
		Kind: ClockJump, Since: now, Detail: map[string]any{"seconds": jump.Seconds()},
		What: fmt.Sprintf("the clock was set by %v, or the host slept: sequences that were open may be missed or matched wrongly", jump.Round(time.Millisecond)),
	})
	w.Board.Clear(ClockJump, "", "the clock runs on from its new time", nil)
}
