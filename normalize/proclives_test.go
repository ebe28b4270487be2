package normalize

import (
	"math/rand/v2"
	"testing"
)

const ms = int64(1_000_000)

// lifeAt asks as ProcResolver does for an event of a time in milliseconds.
func lifeAt(lives *procLives, pid uint32, event int64) (*procLife, procAnswer) {
	return lives.at(pid, event*ms-procEventEarly, event*ms+procEventLate)
}

func TestLivesAnswer(t *testing.T) {
	type step func(*procLives)
	fork := func(pid, group uint32, at int64) step {
		return func(l *procLives) { l.forked(pid, group, at*ms) }
	}
	exit := func(pid, group uint32, at int64) step {
		return func(l *procLives) { l.exited(pid, group, at*ms) }
	}
	for name, test := range map[string]struct {
		steps  []step
		event  int64
		answer procAnswer
		start  int64
	}{
		"alive":                            {[]step{fork(7, 7, 1000)}, 3000, procOne, 1000},
		"just born":                        {[]step{fork(7, 7, 1000)}, 995, procOne, 1000},
		"gone":                             {[]step{fork(7, 7, 1000), exit(7, 7, 1001)}, 1000, procOne, 1000},
		"long before its fork":             {[]step{fork(7, 7, 1000)}, 500, procUntold, 0},
		"never heard of":                   {nil, 3000, procUntold, 0},
		"the first of two":                 {[]step{fork(7, 7, 1000), exit(7, 7, 1001), fork(7, 7, 5000)}, 1000, procOne, 1000},
		"the second of two":                {[]step{fork(7, 7, 1000), exit(7, 7, 1001), fork(7, 7, 5000)}, 4999, procOne, 5000},
		"either of two":                    {[]step{fork(7, 7, 1000), exit(7, 7, 2000), fork(7, 7, 2001)}, 2000, procSeveral, 0},
		"before the fork of another":       {[]step{fork(7, 7, 1000), exit(7, 7, 2000), fork(7, 7, 2500)}, 1990, procOne, 1000},
		"an older one's end, then another": {[]step{exit(7, 7, 500), fork(7, 7, 1000)}, 1000, procOne, 1000},
		"an older one's end":               {[]step{exit(7, 7, 500)}, 490, procUntold, 0},
		"either of an older one and another": {
			[]step{exit(7, 7, 999), fork(7, 7, 1000)}, 999, procSeveral, 0,
		},
		"the first thread has ended": {[]step{fork(7, 7, 1000), exit(7, 7, 2000), exit(8, 7, 3000)}, 2900, procOne, 1000},
		"a thread took the first one's place by exec": {
			[]step{fork(7, 7, 1000), exit(7, 7, 2000)}, 9000, procOne, 1000,
		},
		"a thread":                            {[]step{fork(7, 7, 1000), fork(8, 7, 1100), exit(8, 7, 1101)}, 1100, procOne, 1100},
		"before what was told":                {[]step{fork(7, 7, 12)}, 11, procUntold, 0},
		"soon after the beginning, unhurried": {[]step{fork(7, 7, 12)}, 20, procOne, 12},
	} {
		lives := newProcLives(64, 10*ms)
		for _, step := range test.steps {
			step(lives)
		}
		life, answer := lifeAt(lives, map[bool]uint32{false: 7, true: 8}[name == "a thread"], test.event)
		if answer != test.answer || answer == procOne && life.start != test.start*ms {
			t.Errorf("%s: got %+v, %v, want %v and %d", name, life, answer, test.answer, test.start)
		}
		lives.forget(0)
		if life, answer := lifeAt(lives, 7, test.event); answer != procUntold {
			t.Errorf("%s: after all was forgotten: %+v, %v", name, life, answer)
		}
	}
}

// TestLivesAreNeverWrong lets few pids go from process to process as fast as
// event times can tell them apart, and faster, in a small ring, and compares with
// what happened.
func TestLivesAreNeverWrong(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	answers := map[procAnswer]int{}
	for range 200 {
		lives := newProcLives(32, 0)
		now, running := int64(0), map[uint32]int64{}
		type happened struct {
			pid          uint32
			event, start int64
		}
		var events []happened
		pause := []int64{ms / 10, 5 * ms, 200 * ms}[random.IntN(3)]
		for range 400 {
			now += 1 + random.Int64N(pause)
			pid := uint32(1 + random.IntN(20))
			start, alive := running[pid]
			switch action := random.IntN(10); {
			case !alive && action < 5:
				lives.forked(pid, pid, now)
				running[pid] = now
			case alive && action < 3:
				lives.exited(pid, pid, now)
				delete(running, pid)
			case alive:
				// The time of an event is early by up to 11 ms.
				event := (now - random.Int64N(11*ms)) / ms
				if event > 0 {
					events = append(events, happened{pid, event, start})
				}
			}
			if len(events) > 0 { // looked at later than it happened, in any order
				one := events[random.IntN(len(events))]
				life, answer := lifeAt(lives, one.pid, one.event)
				answers[answer]++
				if answer == procOne && life.start != one.start {
					t.Fatalf("an event of %d at %d ms is of the process that began at %d, not %d", one.pid, one.event, one.start, life.start)
				}
			}
		}
	}
	for _, answer := range []procAnswer{procUntold, procOne, procSeveral} {
		if answers[answer] < 100 {
			t.Errorf("answer %v was given %d times only", answer, answers[answer])
		}
	}
}

func TestPIDIsKept(t *testing.T) {
	lives := newProcLives(64, 100*ms)
	lives.exited(9, 9, 300*ms)
	lives.forked(7, 7, 1000*ms)
	for name, test := range map[string]struct {
		pid        uint32
		from, to   int64
		kept, told bool
	}{
		"no fork":                  {8, 200, 5000, true, true},
		"its fork between":         {7, 200, 5000, false, true},
		"after its fork":           {7, 1001, 5000, true, true},
		"before its fork":          {7, 200, 900, true, true},
		"an end is no fork":        {9, 200, 5000, true, true},
		"before anything was told": {8, 50, 5000, false, false},
	} {
		if kept, told := lives.kept(test.pid, test.from*ms, test.to*ms); kept != test.kept || told != test.told {
			t.Errorf("%s: got %v, %v", name, kept, told)
		}
	}
}

func TestLivesAreBounded(t *testing.T) {
	lives := newProcLives(16, 0)
	for i := range int64(100) {
		lives.forked(uint32(i%5+1), uint32(i%5+1), i+1)
	}
	if len(lives.ring) != 16 || lives.since < 84 {
		t.Errorf("%d lives since %d", len(lives.ring), lives.since)
	}
	count := 0
	for pid := range uint32(6) {
		lives.each(pid, func(*procLife) bool { count++; return true })
	}
	if count != 16 {
		t.Errorf("%d lives are found, want 16", count)
	}
}
