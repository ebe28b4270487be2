package detect_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"tripline/detect"
	"tripline/internal/diag"
)

func TestExceptionKeepsEventsFromCounting(t *testing.T) {
	schema := newTestSchema()
	exception, err := detect.CompileException(`s == "known" or x > 100`, schema)
	if err != nil {
		t.Fatal(err)
	}
	rule := compile(t, schema, "sequence by k [a where true] [b where true] until [c where true]")
	var with, without []string
	engines := []*detect.Engine{
		detect.NewEngine([]*detect.Compiled{rule.Except(exception)}, detect.Limits{}, func(m detect.Match) { with = append(with, matchText(m)) }),
		detect.NewEngine([]*detect.Compiled{rule}, detect.Limits{}, func(m detect.Match) { without = append(without, matchText(m)) }),
	}
	for i, one := range []struct {
		name, category, key, s string
		x                      int
	}{
		{"a1", "a", "1", "known", 0},
		{"b1", "b", "1", "", 0},
		{"a2", "a", "2", "", 0},
		{"b2", "b", "2", "", 101},
		{"a3", "a", "3", "", 0},
		{"b3", "b", "3", "", 100},
		{"a4", "a", "4", "", 0},
		{"c4", "c", "4", "known", 0},
		{"b4", "b", "4", "", 0},
	} {
		event := newEvent(t, schema, start+int64(i)*ms, "event.category", one.category, "k", one.key, "s", one.s, "x", one.x)
		event.name = one.name
		for _, engine := range engines {
			engine.Process(event)
		}
	}
	if want := []string{"a3 b3", "a4 b4"}; !reflect.DeepEqual(with, want) {
		t.Errorf("with the exception: %q", with)
	}
	if want := []string{"a1 b1", "a2 b2", "a3 b3"}; !reflect.DeepEqual(without, want) {
		t.Errorf("the rule itself: %q", without)
	}
	if exception.Exempted() != 3 {
		t.Errorf("%d events were exempted, want 3", exception.Exempted())
	}
}

func TestExceptionDefects(t *testing.T) {
	for condition, want := range map[string]string{
		`process.exectable == "x"`: `1:1: unknown field`,
		`x = 1`:                    `1:3: "="`,
		"x == 1 and\n  s == ":      `2:`,
		`true] [b where true`:      `1:5:`,
		``:                         `1:`,
	} {
		_, err := detect.CompileException(condition, newTestSchema())
		var defect *diag.Error
		if !errors.As(err, &defect) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", condition, err, want)
		}
		if defect != nil && strings.Contains(defect.Source, "any where") {
			t.Errorf("%q: the place is shown in %q", condition, defect.Source)
		}
	}
}
