package normalize

import (
	"fmt"
	"strings"
	"testing"
)

// scan shows the pairs of a body.
func scan(body string) string {
	s := scanner{rest: []byte(body)}
	var p pair
	var all []string
	for s.next(&p) {
		if p.nested() {
			s.rest = p.value
			continue
		}
		quote := ""
		if p.quote != 0 {
			quote = string(p.quote)
		}
		old := ""
		if p.old {
			old = "old "
		}
		all = append(all, fmt.Sprintf("%s%s=%s%s", old, p.key, quote, p.value))
	}
	return strings.Join(all, "|")
}

func TestScanner(t *testing.T) {
	for body, want := range map[string]string{
		"":                              "",
		"a=1 b=2":                       "a=1|b=2",
		"a= b=2":                        "a=|b=2",
		`comm="my prog" exe="/bin/x"`:   `comm="my prog|exe="/bin/x`,
		`comm="cut off`:                 `comm="cut off`,
		"user pid=3 uid=0":              "pid=3|uid=0",
		"old auid=700 new auid=701":     "old auid=700|auid=701",
		"pid=1 msg='op=x acct=\"o'n\"'": `pid=1|op=x|acct="o'n`,
		"pid=1 msg='op=x res=success":   "pid=1|op=x|res=success",
		"SADDR={ saddr_fam=inet laddr=1.2.3.4 } X=1":   "SADDR={ saddr_fam=inet laddr=1.2.3.4 |X=1",
		"avc:  denied  { read } for  pid=1 name=\"x\"": `pid=1|name="x`,
		"=x ==y a=b=c": "a=b=c",
		"a=1, b=2":     "a=1,|b=2",
		"\x00\xff=1 b": "\x00\xff=1",
	} {
		if got := scan(body); got != want {
			t.Errorf("%q gives %q, not %q", body, got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	e := &Event{}
	for body, want := range map[string]string{
		`comm="abc"`:                           "abc",
		`comm=6D792070726F67`:                  "my prog",
		`exe=2F746D702F78202864656C6574656429`: "/tmp/x (deleted)",
		`comm="4142"`:                          "4142",
		`comm=abc`:                             "abc",
		`comm=414`:                             "414",
		`comm=6d79`:                            "6d79",
		`pid=4142`:                             "4142",
		`key=610162`:                           "a\x01b",
	} {
		s := scanner{rest: []byte(body)}
		var p pair
		if !s.next(&p) {
			t.Fatalf("%s: no pair", body)
		}
		if got := string(e.decode(&p)); got != want {
			t.Errorf("%s gives %q, not %q", body, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-1": -1, "-115": -115, "9223372036854775807": 1<<63 - 1} {
		if got, ok := parseDecimal([]byte(text)); !ok || got != want {
			t.Errorf("%s is %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "-", "1x", "9223372036854775808", "0x1", "99999999999999999999"} {
		if got, ok := parseDecimal([]byte(text)); ok {
			t.Errorf("%q is %d", text, got)
		}
	}
	for text, want := range map[string]uint64{"0": 0, "ffffffffffffffff": 1<<64 - 1, "7FFE": 0x7ffe} {
		if got, ok := parseHex([]byte(text)); !ok || got != want {
			t.Errorf("%s is %x, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "g", "10000000000000000"} {
		if _, ok := parseHex([]byte(text)); ok {
			t.Errorf("%q is a number", text)
		}
	}
	if id, ok := parseID([]byte("-1")); !ok || id != unset {
		t.Errorf("-1 is %d, %v", id, ok)
	}
	if _, ok := parseID([]byte("4294967296")); ok {
		t.Error("4294967296 is an id")
	}
}
