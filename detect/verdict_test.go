package detect

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// likeSchema is arraySchema for events of which a likeness decides all fields but one.
type likeSchema struct{ arraySchema }

func (s likeSchema) Field(name string) (Field, bool) {
	field, ok := s.arraySchema.Field(name)
	field.Alike = name != "process.entity_id"
	return field, ok
}

// likeEvent is an arrayEvent with a likeness, which counts how often it is read, and for
// which something else is kept.
type likeEvent struct {
	arrayEvent
	likeness uint64
	read     *int
	kept     *int
}

func (e *likeEvent) Likeness() uint64 { return e.likeness }

func (e *likeEvent) Value(id FieldID) Value {
	*e.read++
	return e.arrayEvent.Value(id)
}

func (e *likeEvent) Keep() Event {
	*e.kept++
	return keptLike{e}
}

type keptLike struct{ event *likeEvent }

func (k keptLike) Time() int64               { return k.event.time }
func (k keptLike) Tiebreaker() (int64, bool) { return 0, false }
func (k keptLike) Value(FieldID) Value       { panic("what stands for an event is read") }
func (k keptLike) Retain()                   {}
func (k keptLike) Release()                  { *k.event.kept-- }
func (k keptLike) Whole() Event              { return k.event }

// TestVerdicts has an engine that knows which events are alike find what another one
// finds that does not, by reading less, also after its rules changed.
func TestVerdicts(t *testing.T) {
	var rules []*Compiled
	for _, query := range []string{
		rootConnects,
		`any where user.id == "1" and event.type == "start"`,
		`sequence by process.entity_id with maxspan=9m [network where true] ![process where user.id == "0"] [any where process.executable : "*2"] until [process where user.id == "1"]`,
		`process where event.action in ("a", "session_id_change") and process.entity_id == "e1"`,
	} {
		compiled, err := CompileWith(&Rule{Definition: Definition{RuleID: query, Query: query}}, likeSchema{}, CompileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, compiled)
	}
	exception, err := CompileException(`user.id == "1" and process.executable : "*1"`, likeSchema{})
	if err != nil {
		t.Fatal(err)
	}
	excepted := slices.Clone(rules)
	excepted[1] = excepted[1].Except(exception)
	run := func(alike bool) (found []string, exempted uint64, reads int) {
		rng := rand.New(rand.NewPCG(1, 2))
		kept, before := 0, exception.Exempted()
		engine := NewEngine(rules, Limits{}, func(match Match) {
			text := match.Rule.RuleID
			for _, event := range match.Events {
				if event != nil {
					text += fmt.Sprint(" ", event.Time())
				}
			}
			found = append(found, text)
		})
		for i := range 20_000 {
			one, twin := rng.IntN(60), rng.IntN(2)
			event := &likeEvent{arrayEvent: *connection(fmt.Sprint(one%3), fmt.Sprint("e", rng.IntN(5))), read: &reads, kept: &kept}
			if one%4 == 0 {
				event.values = newSession(event.values[fieldEntity].Text()).values
				event.values[fieldUser] = String(fmt.Sprint(one % 3))
			}
			if one < 6 {
				event.values[fieldUser] = String(fmt.Sprint(twin))
			}
			event.values[fieldExecutable] = String(fmt.Sprint("/bin/", one%5))
			event.time = int64(i) * 1e8
			if alike {
				event.likeness = uint64(one + 1)
				if one < 6 { // of two likenesses that have one place
					event.likeness += uint64(verdictsKept * twin)
				}
			}
			if i == 10_000 {
				engine.Replace(excepted)
			}
			engine.Process(event)
		}
		engine.Close()
		if kept != 0 {
			t.Errorf("%d events are still kept", kept)
		}
		return found, exception.Exempted() - before, reads
	}
	want, exempted, reads := run(false)
	got, alsoExempted, fewer := run(true)
	if !slices.Equal(got, want) || alsoExempted != exempted || exempted == 0 {
		t.Errorf("%d matches and %d exempted, want %d and %d", len(got), alsoExempted, len(want), exempted)
	}
	if fewer > reads/2 {
		t.Errorf("fields are read %d times, %d without likenesses", fewer, reads)
	}
}
