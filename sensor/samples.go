package sensor

import (
	"slices"
	"sync"
	"time"

	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/selftest"
)

// samples knows the processes of the self-test and what alerts they raise.
type samples struct {
	mu sync.Mutex
	// judged is the rule whose alerts count; empty for any.
	judged string
	byPID  map[uint32]*sample
	// matched are those that a match is about whose alert is not raised yet.
	matched []*sample
}

// sample is one technique while it is performed.
type sample struct {
	technique selftest.Technique
	began     time.Time
	child     *selftest.Child
	// record is what reported the first event that matched; alerted is closed when
	// the alert was raised. Both are guarded by samples.mu.
	record  string
	after   time.Duration
	alerts  int
	alerted chan struct{}
}

// register adds a process to a sample's.
func (s *samples) register(pid int, of *sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byPID == nil {
		s.byPID = make(map[uint32]*sample)
	}
	s.byPID[uint32(pid)] = of
}

// forget ends the registration of a sample's processes.
func (s *samples) forget(of *sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for pid, one := range s.byPID {
		if one == of {
			delete(s.byPID, pid)
		}
	}
}

// match says whether a match was caused by samples alone, whose pids are ours for
// as long as we hold them.
func (s *samples) match(match detect.Match) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.matched = s.matched[:0]
	if len(s.byPID) == 0 {
		return false
	}
	counts, all := s.judged == "" || match.Rule.RuleID == s.judged, true
	for _, event := range match.Events {
		if event == nil { // a negative stage
			continue
		}
		one, ok := event.(*normalize.Event)
		if !ok {
			return false
		}
		of := s.byPID[one.PID()]
		if of == nil {
			all = false
			continue
		}
		if of.record == "" && counts {
			of.record = one.Reported()
		}
		if counts && !slices.Contains(s.matched, of) {
			s.matched = append(s.matched, of)
		}
	}
	return all
}

// raised is told when the alert of the last match was raised.
func (s *samples) raised() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.matched {
		if of.alerts == 0 {
			of.after = time.Since(of.began)
			close(of.alerted)
		}
		of.alerts++
	}
	s.matched = s.matched[:0]
}

// seen is what is known of a sample's alerts.
func (s *samples) seen(of *sample) (alerts int, record string, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return of.alerts, of.record, of.after
}
