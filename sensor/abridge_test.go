package sensor

import (
	"errors"
	"slices"
	"testing"
	"time"

	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/source"
)

// omitted is a source that notes what it was asked to leave out.
type omitted struct {
	asked  [][]uint16
	waits  bool // records that came before still wait
	refuse error
}

func (o *omitted) Omit(types ...uint16) error {
	if o.refuse == nil {
		o.asked = append(o.asked, types)
	}
	return o.refuse
}

func (o *omitted) Omits() bool {
	return o.waits || len(o.asked) > 0 && len(o.asked[len(o.asked)-1]) > 0
}

// flood gives the abridger as many events of four records in a second as said, from a
// time on, and returns the time after them.
func flood(a *abridger, from time.Time, perSecond int, titles bool) time.Time {
	types := []uint16{typeSyscall, 1306, typeEnd}
	if titles {
		types = append(types, typeProctitle)
	}
	var messages []source.Message
	for range perSecond / 10 {
		for _, one := range types {
			messages = append(messages, source.Message{Type: one})
		}
	}
	for range 10 {
		a.note(messages)
		from = from.Add(100 * time.Millisecond)
		a.decide(from)
	}
	return from
}

func TestAbridger(t *testing.T) {
	both, ends := []uint16{typeEnd, typeProctitle}, []uint16{typeEnd}
	for name, test := range map[string]struct {
		alone, titled, titles bool
		perSecond             int
		want                  [][]uint16
	}{
		"flood":                               {true, false, true, 10_000, [][]uint16{both, nil}},
		"no flood":                            {true, false, true, 1_000, nil},
		"titles are read":                     {true, true, true, 10_000, [][]uint16{ends, nil}},
		"beside others":                       {false, false, true, 10_000, [][]uint16{ends, nil}},
		"beside others, a kernel w/o titles":  {false, false, false, 10_000, nil},
		"titles are read, but there are none": {true, true, false, 10_000, nil},
	} {
		t.Run(name, func(t *testing.T) {
			kernel := &omitted{}
			a := &abridger{
				source: kernel, correlator: normalize.NewCorrelator(normalize.Options{}), alone: test.alone,
				titled: func() bool { return test.titled }, failed: func(err error) { t.Error(err) },
			}
			now := flood(a, time.Unix(1000, 0), test.perSecond, test.titles)
			if got := a.abridges(); got != (len(test.want) > 0) {
				t.Errorf("in the flood it abridges: %v", got)
			}
			flood(a, now, 10, test.titles)
			if !slices.EqualFunc(kernel.asked, test.want, slices.Equal[[]uint16]) || a.abridges() {
				t.Errorf("the kernel was asked %v, want %v; still abridges: %v", kernel.asked, test.want, a.abridges())
			}
		})
	}
}

// TestAbridgerNoticesRulesThatReadTitles is about a reload in a flood.
func TestAbridgerNoticesRulesThatReadTitles(t *testing.T) {
	kernel, titled := &omitted{}, false
	a := &abridger{
		source: kernel, correlator: normalize.NewCorrelator(normalize.Options{}), alone: true,
		titled: func() bool { return titled }, failed: func(err error) { t.Error(err) },
	}
	now := flood(a, time.Unix(1000, 0), 10_000, true)
	titled = true
	flood(a, now, 10_000, true)
	if len(kernel.asked) == 0 || slices.Contains(kernel.asked[len(kernel.asked)-1], typeProctitle) {
		t.Errorf("the kernel was asked %v", kernel.asked)
	}
}

// TestTitlesAreReadWhereEventsAreWritten has both ways in which events are written out.
func TestTitlesAreReadWhereEventsAreWritten(t *testing.T) {
	write := func(*normalize.Event) {}
	for name, test := range map[string]struct {
		p    *pipeline
		want bool
	}{
		"nobody":             {&pipeline{}, false},
		"a rule":             {&pipeline{titled: true}, true},
		"events of a replay": {&pipeline{onEvent: write}, true},
		"events of a sensor": {&pipeline{onJudged: write}, true},
	} {
		if got := test.p.readsTitles(); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAbridgerGivesUpWhereTheKernelRefuses(t *testing.T) {
	refused := errors.New("refused")
	var told []error
	a := &abridger{
		source: &omitted{refuse: refused}, correlator: normalize.NewCorrelator(normalize.Options{}), alone: true,
		titled: func() bool { return false }, failed: func(err error) { told = append(told, err) },
	}
	flood(a, time.Unix(1000, 0), 10_000, true)
	if len(told) != 1 || !errors.Is(told[0], refused) || a.abridges() {
		t.Errorf("told %v, abridges %v", told, a.abridges())
	}
	if none := (*abridger)(nil); none.abridges() {
		t.Error("no abridger abridges")
	}
}

func TestReadsTitles(t *testing.T) {
	for query, want := range map[string]bool{
		`process where event.action == "exec"`:         false,
		`process where process.args == "-i"`:           true,
		`process where process.command_line : "*-i*"`:  true,
		`process where process.args_count > 3`:         true,
		`process where process.parent.args : "--user"`: false,
	} {
		rule := new(detect.Rule)
		rule.RuleID, rule.Query = "r", query
		compiled, err := detect.Compile(rule, normalize.Schema())
		if err != nil {
			t.Fatal(err)
		}
		if got := readsTitles([]*detect.Compiled{compiled}); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}
