package schedule

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/alert"
	"tripline/sensor/throttle"
)

// runKey is one run of one rule.
type runKey struct {
	rule   *detect.Rule
	number int64
}

// ruleRun is what a run raised, and the tally of what is beyond max_signals.
type ruleRun struct {
	raised int
	throttle.Tally
	host *normalize.HostFacts
}

// maxRuns is how many runs are counted at once. Matches come in the order of
// their last events, so that earlier runs are over.
const maxRuns = 100_000

// runOf finds or begins a run.
func (s *scheduler) runOf(key runKey) (*ruleRun, error) {
	one := s.runs[key]
	if one != nil {
		return one, nil
	}
	if len(s.runs) >= maxRuns {
		if err := s.endRuns(); err != nil {
			return nil, err
		}
	}
	w := s.windows[key.rule]
	end := time.Unix(0, key.number*int64(w.interval)).Add(-w.to)
	one = &ruleRun{Tally: throttle.Tally{Summary: throttle.Summary{
		Rule: key.rule, From: end.Add(-w.interval), To: end, Signals: throttle.Signals(key.rule),
	}}}
	s.runs[key] = one
	return one, nil
}

// tally counts a match that is not raised, by what its documents say.
func (r *ruleRun) tally(match detect.Match) {
	var who throttle.Group
	var last int64
	for _, event := range match.Events {
		found, ok := event.(recorded)
		if !ok { // a negative stage
			continue
		}
		said := found.read()
		if r.host == nil {
			r.host = said.facts()
		}
		who.Executable, who.User = said.Process.Executable, said.User.ID
		if who.Destination == "" {
			who.Destination, who.Port = said.Destination.IP, said.Destination.Port
		}
		last = max(last, event.Time())
	}
	if r.Summary.Count == 0 {
		r.Summary.FirstID = alert.ID(match)
	}
	r.Add(who, time.Unix(0, last))
}

// endRuns raises the summaries of all runs, in the order of time, and forgets the
// runs.
func (s *scheduler) endRuns() error {
	keys := slices.SortedStableFunc(maps.Keys(s.runs), func(a, b runKey) int {
		return cmp.Or(s.runs[a].Summary.To.Compare(s.runs[b].Summary.To), cmp.Compare(a.rule.RuleID, b.rule.RuleID))
	})
	for _, key := range keys {
		one := s.runs[key]
		if one.Summary.Count == 0 {
			continue
		}
		builder := alert.Builder{Host: one.host}
		made, err := builder.Summary(one.Summary)
		if err != nil {
			s.options.Hunt.Report(err)
			continue
		}
		if err := s.say(&made); err != nil {
			return err
		}
	}
	clear(s.runs)
	return nil
}

// said is what a summary needs of a recorded event.
type said struct {
	Agent struct {
		ID string `json:"id"`
	} `json:"agent"`
	Host struct {
		ID           string            `json:"id"`
		Hostname     string            `json:"hostname"`
		Architecture string            `json:"architecture"`
		OS           normalize.OSFacts `json:"os"`
		Boot         struct {
			ID string `json:"id"`
		} `json:"boot"`
	} `json:"host"`
	Process struct {
		Executable string `json:"executable"`
	} `json:"process"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Destination struct {
		IP   string `json:"ip"`
		Port int64  `json:"port"`
	} `json:"destination"`
}

// read reads the document as far as it has the form of Tripline's events.
func (r recorded) read() said {
	var found said
	_ = json.Unmarshal(r.document, &found) // what is of another type stays empty
	return found
}

func (s *said) facts() *normalize.HostFacts {
	return &normalize.HostFacts{
		ID: s.Host.ID, Hostname: s.Host.Hostname, Architecture: s.Host.Architecture, OS: s.Host.OS,
		BootID: s.Host.Boot.ID, AgentID: s.Agent.ID,
	}
}
