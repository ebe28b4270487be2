package detect_test

import (
	"slices"
	"strings"
	"testing"

	"tripline/detect"
)

// doubtful is an event that is asked to prove its forgeable fields.
type doubtful struct {
	*testEvent
	proves bool
	asked  int
}

func (e *doubtful) Proves(id detect.FieldID, holds func(detect.Value) bool) bool {
	e.asked++
	value := e.Value(id)
	if value.Kind() == detect.KindList {
		return e.proves && slices.ContainsFunc(value.Elements(), holds)
	}
	return e.proves && holds(value)
}

// TestExclusionNeedsProof holds each way to exclude an executable against an event
// whose executable has the excluded name, with and without proof.
func TestExclusionNeedsProof(t *testing.T) {
	schema := newTestSchema()
	for _, condition := range []string{
		`not process.executable : ("/usr/sbin/sshd", "/bin/ssh")`,
		`not process.executable == "/usr/sbin/sshd"`,
		`process.executable != "/usr/sbin/sshd"`,
		`"/usr/sbin/sshd" != process.executable`,
		`process.executable not in ("/usr/sbin/sshd", "/bin/ssh")`,
		`process.executable not in~ ("/USR/SBIN/SSHD")`,
		`not process.executable like "/usr/sbin/*"`,
		`not process.executable regex~ "/USR/.*"`,
		`not (x == 7 or process.executable : "*/sshd")`,
		`not (x == 1 and process.executable : "*/sshd")`,
		`not not not process.executable : "*/sshd"`,
		`not endsWith(process.executable, "/sshd")`,
		`not endsWith~(process.executable, "/SSHD") and x == 1`,
		`not (endsWith(process.executable, "/sshd") or x == 7)`,
		`endsWith(process.executable, "/sshd") == false`,
		`false == endsWith(process.executable, "/sshd")`,
		`endsWith(process.executable, "/sshd") != true`,
		`(not endsWith(process.executable, "/sshd")) == true`,
		`(process.executable == "/usr/sbin/sshd") == false`,
		`(process.executable != "/usr/sbin/sshd") == true`,
		`(process.executable in ("/usr/sbin/sshd", "/bin/ssh")) == false`,
		`(process.executable not in ("/usr/sbin/sshd", "/bin/ssh")) == true`,
		`(process.executable == "/usr/sbin/sshd" or x == 7) == false`,
		`indexOf(process.executable, "sshd") == null`,
		`(indexOf(process.executable, "sshd") == null) == true`,
		`not (indexOf(process.executable, "sshd") != null)`,
		`length(process.executable) != 14`,
		`not length(process.executable) in (14, 15)`,
		`not concat(process.executable, ":", s) == "/usr/sbin/sshd:a"`,
		`not string(process.executable == "/usr/sbin/sshd") == "true"`,
	} {
		t.Run(condition, func(t *testing.T) {
			if excluded := !holds(t, schema, condition, true); !excluded {
				t.Error("what is proved is not excluded")
			}
			if excluded := !holds(t, schema, condition, false); excluded {
				t.Error("a borrowed name excludes")
			}
		})
	}
}

// TestWhatIsLookedForIsBelieved: nothing is to be proved where a rule looks for the
// executable, or asks whether there is one.
func TestWhatIsLookedForIsBelieved(t *testing.T) {
	schema := newTestSchema()
	for condition, want := range map[string]bool{
		`process.executable == "/usr/sbin/sshd"`:                   true,
		`process.executable : ("/usr/sbin/*")`:                     true,
		`not process.executable != "/usr/sbin/sshd"`:               true,
		`not not process.executable : "*/sshd"`:                    true,
		`endsWith(process.executable, "/sshd") == true`:            true,
		`not (endsWith(process.executable, "/sshd") == false)`:     true,
		`process.executable != null`:                               true,
		`process.executable == null`:                               false,
		`not process.executable == null`:                           true,
		`indexOf(process.executable, "sshd") != null`:              true,
		`string(process.executable == "/usr/sbin/sshd") == "true"`: true,
		`not s == "a"`: false,
		`not (s == "a" and process.executable : "/bin/ssh")`: true,
	} {
		if got := holds(t, schema, condition, false); got != want {
			t.Errorf("%s is %t, want %t", condition, got, want)
		}
	}
}

// holds evaluates a condition for an event of /usr/sbin/sshd.
func holds(t *testing.T, schema detect.Schema, condition string, proves bool) bool {
	t.Helper()
	matched := false
	engine := detect.NewEngine([]*detect.Compiled{compile(t, schema, "any where "+condition)}, detect.Limits{},
		func(detect.Match) { matched = true })
	engine.Process(sshd(t, schema, "a", 0, proves))
	return matched
}

func sshd(t *testing.T, schema detect.Schema, category string, at int64, proves bool) *doubtful {
	t.Helper()
	event := newEvent(t, schema, start+at*ms, "event.category", category, "process.executable", "/usr/sbin/sshd",
		"s", "a", "x", 1, "k", "1")
	event.name = category
	return &doubtful{testEvent: event, proves: proves}
}

// TestProofOfSeveralValues: a computed condition tries each value of a list, and
// still asks for proof.
func TestProofOfSeveralValues(t *testing.T) {
	schema := newTestSchema()
	rule := compile(t, schema, `any where not concat(process.executable, s) == "/usr/sbin/sshdb"`)
	for _, proves := range []bool{true, false} {
		matched := false
		engine := detect.NewEngine([]*detect.Compiled{rule}, detect.Limits{}, func(detect.Match) { matched = true })
		event := newEvent(t, schema, start, "process.executable", "/usr/sbin/sshd", "s", []any{"a", "b"})
		engine.Process(&doubtful{testEvent: event, proves: proves})
		if matched == proves {
			t.Errorf("proved %t: matched %t", proves, matched)
		}
	}
}

// TestWhatIsMissingNeedsNoProof: an event without the field has nothing to prove,
// where a condition is decided by another.
func TestWhatIsMissingNeedsNoProof(t *testing.T) {
	schema := newTestSchema()
	for _, condition := range []string{
		`null == (process.executable in ("/usr/sbin/sshd", "/bin/ssh") or flag)`,
		`null == (endsWith(process.executable, "/sshd") or flag)`,
		`not string(process.executable == null) : "true"`,
		`not string(process.executable == "/usr/sbin/sshd" or flag) in ("true")`,
	} {
		matched := false
		engine := detect.NewEngine([]*detect.Compiled{compile(t, schema, "any where "+condition)}, detect.Limits{},
			func(detect.Match) { matched = true })
		engine.Process(&doubtful{testEvent: newEvent(t, schema, start, "flag", true)})
		if matched {
			t.Errorf("%s holds", condition)
		}
	}
}

// TestExceptionNeedsProof: in an exception it is the condition that is true which
// excludes, in a negative stage and until too.
func TestExceptionNeedsProof(t *testing.T) {
	schema := newTestSchema()
	exception, err := detect.CompileException(`process.executable == "/usr/sbin/sshd"`, schema)
	if err != nil {
		t.Fatal(err)
	}
	ruleOut := compile(t, schema, `sequence by k with maxspan=1m [a where true] ![b where process.executable == "/usr/sbin/sshd"] [c where true]`)
	until := compile(t, schema, `sequence by k [a where true] [c where true] until [b where process.executable == "/usr/sbin/sshd"]`)
	for name, rule := range map[string]*detect.Compiled{
		"exception": compile(t, schema, "sequence by k [a where true] [c where true]").Except(exception),
		"negative":  ruleOut,
		"until":     until,
	} {
		for _, proves := range []bool{true, false} {
			var matches []string
			engine := detect.NewEngine([]*detect.Compiled{rule}, detect.Limits{}, func(m detect.Match) { matches = append(matches, m.Rule.RuleID) })
			for at, category := range []string{"a", "b", "c"} {
				engine.Process(sshd(t, schema, category, int64(at), proves))
			}
			if excluded := len(matches) == 0; excluded != proves {
				t.Errorf("%s: excluded is %t where the executable is proved is %t", name, excluded, proves)
			}
		}
	}
}

// TestProofIsAskedWhereItDecides: what another condition decides, and what does not
// have the name, asks for nothing.
func TestProofIsAskedWhereItDecides(t *testing.T) {
	schema := newTestSchema()
	for condition, want := range map[string]int{
		`x == 2 and not process.executable : "/usr/sbin/sshd"`:                            0,
		`not process.executable : "/usr/sbin/sshd" and x == 2`:                            0,
		`x == 1 and not process.executable : ("/bin/ssh", "/sbin/ssh", "/usr/sbin/sshd")`: 1,
		`process.executable : "/usr/sbin/sshd"`:                                           0,
	} {
		event := sshd(t, schema, "a", 0, true)
		engine := detect.NewEngine([]*detect.Compiled{compile(t, schema, "any where "+condition)}, detect.Limits{}, func(detect.Match) {})
		engine.Process(event)
		if event.asked != want {
			t.Errorf("%s: asked %d times, want %d", strings.TrimSpace(condition), event.asked, want)
		}
	}
}

// TestMappedAddresses: an IPv4 address mapped into IPv6 is the IPv4 address.
func TestMappedAddresses(t *testing.T) {
	schema := newTestSchema()
	field := schema.add("destination.ip", detect.TypeString, false)
	field.Address = true
	schema.fields["destination.ip"] = field
	for condition, want := range map[string][2]bool{ // of 192.0.2.1 and the same mapped
		`destination.ip == "192.0.2.1"`:                     {true, true},
		`destination.ip == "::ffff:192.0.2.1"`:              {false, true},
		`destination.ip != "192.0.2.1"`:                     {false, false},
		`destination.ip in ("198.51.100.1", "192.0.2.1")`:   {true, true},
		`destination.ip not in ("192.0.2.1")`:               {false, false},
		`destination.ip : "192.0.2.*"`:                      {true, true},
		`cidrMatch(destination.ip, "192.0.2.0/24")`:         {true, true},
		`cidrMatch(destination.ip, "::ffff:192.0.2.0/120")`: {true, true},
		`not cidrMatch(destination.ip, "192.0.0.0/16")`:     {false, false},
		`destination.ip == "192.0.2.2" or s == "192.0.2.1"`: {false, false},
	} {
		for i, address := range []string{"192.0.2.1", "::ffff:192.0.2.1"} {
			matched := false
			engine := detect.NewEngine([]*detect.Compiled{compile(t, schema, "any where "+condition)}, detect.Limits{},
				func(detect.Match) { matched = true })
			engine.Process(newEvent(t, schema, start, "destination.ip", address, "s", "::ffff:192.0.2.1"))
			if matched != want[i] {
				t.Errorf("%s of %s is %t", condition, address, matched)
			}
		}
	}
}
