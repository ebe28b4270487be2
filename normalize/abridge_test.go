package normalize

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// other is a setsid, a socket or an open as the kernel tells of it.
func other(header, number, exit string) string {
	syscall, _, _, _ := connect(header)
	return strings.NewReplacer("syscall=42", "syscall="+number, "success=no", "success=yes", "exit=-111", "exit="+exit).Replace(syscall)
}

// abridged gives the events of lines that are added to a correlator from which
// something is left out.
func abridged(t *testing.T, to Abridgement, lines ...string) (events []seen, c *Correlator) {
	t.Helper()
	c = NewCorrelator(Options{Emit: func(e *Event) { events = append(events, look(t, e)) }})
	c.Abridge(to)
	live(t, c, lines...)
	return events, c
}

func TestWithoutTitlesAnEventEndsWithWhatDecides(t *testing.T) {
	syscall, address, title, end := connect("1.000:7")
	for name, test := range map[string]struct {
		lines   []string
		actions string
	}{
		"connect":            {[]string{syscall, address}, "connection_attempted"},
		"address first":      {[]string{address, syscall}, "connection_attempted"},
		"connect, not yet":   {[]string{syscall}, ""},
		"the rest comes too": {[]string{syscall, address, title, end}, "connection_attempted"},
		"setsid":             {[]string{other("1.000:8", "112", "93")}, "session_id_change"},
		"socket":             {[]string{other("1.000:9", "41", "3")}, "socket"},
		"open, not yet":      {[]string{other("1.000:10", "2", "3")}, ""},
		"open":               {[]string{other("1.000:10", "2", "3"), strings.Replace(end, ":7)", ":10)", 1)}, "open"},
	} {
		t.Run(name, func(t *testing.T) {
			events, c := abridged(t, WithoutTitles, test.lines...)
			actions := make([]string, 0, len(events))
			for _, event := range events {
				actions = append(actions, event.text("event.action"))
			}
			if got := strings.Join(actions, " "); got != test.actions {
				t.Errorf("got %q, want %q", got, test.actions)
			}
			if stats := c.Stats(); stats.Late != 0 || stats.Incomplete != 0 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

// TestWithoutTitlesItemsAreAwaited has events whose call counts what else they have.
func TestWithoutTitlesItemsAreAwaited(t *testing.T) {
	const header = "1.000:7"
	counts := func(items, call string) string { return strings.Replace(call, "items=0", "items="+items, 1) }
	of := func(typ, body string) string { return "type=" + typ + " msg=audit(" + header + "): " + body }
	syscall, address, _, _ := connect(header)
	program := of("EXECVE", `argc=1 a0="true"`)
	paths := []string{of("PATH", `item=0 name="/bin/true"`), of("PATH", `item=1 name="/lib64/ld-linux-x86-64.so.2"`)}
	unusual := strings.Replace(counts("1", other(header, "2", "3")), " success=", " per=400000 success=", 1)
	ring := of("URINGOP", "uring_op=16 success=yes exit=0 items=0 ppid=84 pid=93 uid=0")
	for name, test := range map[string]struct {
		lines   []string
		emitted int
	}{
		"a path is missing":          {[]string{counts("2", other(header, "59", "0")), program, paths[0]}, 0},
		"the arguments are missing":  {[]string{counts("2", other(header, "59", "0")), paths[0], paths[1]}, 0},
		"a program is executed":      {[]string{counts("2", other(header, "59", "0")), program, paths[0], paths[1]}, 1},
		"a path came twice":          {[]string{counts("2", other(header, "59", "0")), program, paths[0], paths[0]}, 0},
		"the call comes last":        {[]string{paths[1], program, paths[0], counts("2", other(header, "59", "0"))}, 1},
		"a connect with a path":      {[]string{counts("1", syscall), address}, 0},
		"a connect and its path":     {[]string{counts("1", syscall), address, paths[0]}, 1},
		"a record of another form":   {[]string{unusual}, 0},
		"… and its path":             {[]string{unusual, paths[0]}, 1},
		"none is counted, one came":  {[]string{other(header, "2", "3"), paths[0]}, 0},
		"an absurd count":            {[]string{counts("4294967295", syscall), address, paths[0]}, 0},
		"a ring's worker":            {[]string{ring, address}, 1},
		"… before its address":       {[]string{ring}, 0},
		"… and a path":               {[]string{counts("1", ring), address}, 0},
		"a ring entered":             {[]string{other(header, "426", "1"), address}, 1},
		"a ring entered, no address": {[]string{other(header, "426", "1")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			events, c := abridged(t, WithoutTitles, test.lines...)
			if len(events) != test.emitted {
				t.Fatalf("%d events were emitted, not %d", len(events), test.emitted)
			}
			c.Advance(1000)
			c.Advance(1200)
			if c.Stats().Events != 1 || c.Pending() != 0 {
				t.Errorf("%+v in the end, %d wait", c.Stats(), c.Pending())
			}
		})
	}
}

// TestNobodysEventHoldsNobodyUp has the sensor's own changes of the configuration,
// which no process is named for, wait for an end that they have not. A record of
// which it is not known yet whose it is still holds others up.
func TestNobodysEventHoldsNobodyUp(t *testing.T) {
	setsid := other("1.000:9", "112", "93")
	for first, emitted := range map[string]int{
		`type=CONFIG_CHANGE msg=audit(1.000:5): auid=4294967295 ses=4294967295 op=add_rule key="tripline" list=4 res=1`: 1,
		`type=CONFIG_CHANGE msg=audit(1.000:5): op=set audit_enabled=1 old=0 auid=0 ses=1 pid=93 res=1`:                 0,
		`type=PATH msg=audit(1.000:5): item=0 name="/tmp"`:                                                              0,
	} {
		events, c := abridged(t, WithoutTitles, first, setsid)
		if len(events) != emitted {
			t.Errorf("%d events were emitted behind %s", len(events), first)
		}
		c.Advance(1000)
		c.Advance(1200)
		if c.Stats().Events != 2 {
			t.Errorf("%+v in the end", c.Stats())
		}
	}
}

// TestWithoutTitlesArgumentsOfASocketcall shows that a socket that was made through
// socketcall waits for the record that has the arguments.
func TestWithoutTitlesArgumentsOfASocketcall(t *testing.T) {
	call := strings.NewReplacer("c000003e", "40000003", "syscall=42", "syscall=102", "success=no", "success=yes", "exit=-111", "exit=3", "a0=5", "a0=1")
	syscall, _, _, _ := connect("1.000:7")
	arguments := "type=SOCKETCALL msg=audit(1.000:7): nargs=3 a0=2 a1=2 a2=0"
	if events, _ := abridged(t, WithoutTitles, call.Replace(syscall)); len(events) != 0 {
		t.Error("emitted without its arguments")
	}
	if events, _ := abridged(t, WithoutTitles, call.Replace(syscall), arguments); len(events) != 1 || events[0].text("event.action") != "socket" {
		t.Errorf("%+v", events)
	}
}

func TestWithoutEndsTheTitleEndsAnEvent(t *testing.T) {
	syscall, address, title, _ := connect("1.000:7")
	events, _ := abridged(t, WithoutEnds, syscall, address)
	if len(events) != 0 {
		t.Fatal("emitted before its title")
	}
	events, c := abridged(t, WithoutEnds, syscall, address, title)
	if len(events) != 1 || events[0].text("process.command_line") != "/guest/tc64 inet4" {
		t.Errorf("%+v", events)
	}
	if c.Pending() != 0 {
		t.Errorf("%d events are pending", c.Pending())
	}
}

// TestAbridgedEventsAreTheSame compares events with and without what is left out.
func TestAbridgedEventsAreTheSame(t *testing.T) {
	syscall, address, title, end := connect("1.000:7")
	whole, _ := abridged(t, Unabridged, syscall, address, title, end)
	endless, _ := abridged(t, WithoutEnds, syscall, address, title)
	untitled, _ := abridged(t, WithoutTitles, syscall, address)
	if len(whole) != 1 || len(endless) != 1 || len(untitled) != 1 {
		t.Fatal(len(whole), len(endless), len(untitled))
	}
	if whole[0].json != endless[0].json {
		t.Errorf("without EOE:\n%s\n%s", endless[0].json, whole[0].json)
	}
	for name, value := range whole[0].fields {
		if strings.HasPrefix(name, "process.args") || name == "process.command_line" {
			continue
		}
		if !untitled[0].fields[name].Equal(value) {
			t.Errorf("without titles %s is %v, not %v", name, untitled[0].fields[name], value)
		}
	}
}

func TestAbridgedEventIsEndedByTime(t *testing.T) {
	events := 0
	c := NewCorrelator(Options{Emit: func(*Event) { events++ }})
	c.Abridge(WithoutTitles)
	live(t, c, other("1.000:10", "2", "3"))
	c.Advance(1000)
	c.Advance(1199)
	if events != 0 {
		t.Fatal("emitted too early")
	}
	c.Advance(1200)
	if events != 1 {
		t.Error("not emitted when its time was over")
	}
}

// TestWithoutTitlesAProcessKeepsItsOrder has an event whose end is not known before
// its time is over, and one of the same process and of another one after it.
func TestWithoutTitlesAProcessKeepsItsOrder(t *testing.T) {
	ring := "type=URINGOP msg=audit(1.000:5): uring_op=16 success=yes exit=0 items=0 ppid=84 pid=93 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 key=\"kA\""
	fastOpen := strings.Replace(other("1.000:5", "44", "5"), "a3=0", "a3=20000000", 1)
	for name, first := range map[string]string{"io_uring": ring, "without address": fastOpen, "open": other("1.000:5", "2", "3")} {
		t.Run(name, func(t *testing.T) {
			var order []string
			c := NewCorrelator(Options{Emit: func(e *Event) { order = append(order, look(t, e).text("event.action")) }})
			c.Abridge(WithoutTitles)
			stranger := strings.Replace(other("1.000:6", "41", "3"), " pid=93", " pid=94", 1)
			live(t, c, first, stranger, other("1.000:7", "112", "93"))
			if len(order) != 1 || order[0] != "socket" {
				t.Errorf("at once came %v, not the other process's event alone", order)
			}
			c.Advance(1000)
			c.Advance(1200)
			if len(order) != 3 || order[2] != "session_id_change" {
				t.Errorf("the order is %v", order)
			}
		})
	}
}

func TestWithoutTitlesFastOpenIsDecidedByItsAddress(t *testing.T) {
	_, address, _, _ := connect("1.000:7")
	call := strings.Replace(other("1.000:7", "44", "5"), "a3=0", "a3=20000000", 1)
	if events, _ := abridged(t, WithoutTitles, call, address); len(events) != 1 || events[0].text("event.action") != "connection_attempted" {
		t.Errorf("%+v", events)
	}
}

// TestAbridgingLeavesNoEventWaiting has events half of whose records came before it
// was asked that the rest be left out.
func TestAbridgingLeavesNoEventWaiting(t *testing.T) {
	syscall, address, title, _ := connect("1.000:7")
	for to, lines := range map[Abridgement][]string{
		WithoutTitles: {syscall, address, other("1.000:8", "112", "93")},
		WithoutEnds:   {syscall, address, title, other("1.000:8", "112", "93"), strings.Replace(title, ":7)", ":8)", 1)},
	} {
		var order []string
		c := NewCorrelator(Options{Emit: func(e *Event) { order = append(order, look(t, e).text("event.action")) }})
		live(t, c, lines...)
		if len(order) > 0 {
			t.Fatalf("%v were emitted before their end", order)
		}
		c.Abridge(to)
		if len(order) != 2 || order[0] != "connection_attempted" || order[1] != "session_id_change" || c.Pending() != 0 {
			t.Errorf("%v: %v were emitted, %d wait", to, order, c.Pending())
		}
	}
}

// TestManyThatWaitAreNotOvertaken has more events wait for their end than are looked
// at: one behind them waits too, because an earlier one may be of its process.
func TestManyThatWaitAreNotOvertaken(t *testing.T) {
	for name, test := range map[string]struct{ waiting, emitted int }{
		"few": {lookBack, 1}, "many": {lookBack + 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for i := range test.waiting {
				pid := fmt.Sprint(" pid=", 50_000+i, " ")
				lines = append(lines, pidInCall.ReplaceAllString(other(fmt.Sprint("1.000:", 100+i), "2", "3"), pid))
			}
			lines = append(lines, pidInCall.ReplaceAllString(other("1.000:900", "112", "93"), " pid=60000 "))
			if events, _ := abridged(t, WithoutTitles, lines...); len(events) != test.emitted {
				t.Errorf("%d events were emitted, not %d", len(events), test.emitted)
			}
		})
	}
}

// pidInCall is the process of a SYSCALL record.
var pidInCall = regexp.MustCompile(` pid=\d+ `)
