package syslog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"tripline/sensor/output"
)

// parsed is a message as a receiver reads it.
type parsed struct {
	priority                                      int
	version, time, host, program, pid, kind, body string
	data                                          map[string]string
}

// parse reads a message by the grammar of RFC 5424, section 6, strictly.
func parse(text string) (p parsed, err error) {
	rest, ok := strings.CutPrefix(text, "<")
	priority, rest, found := strings.Cut(rest, ">")
	if p.priority, err = strconv.Atoi(priority); err != nil || !ok || !found || p.priority > 191 || priority != strconv.Itoa(p.priority) {
		return p, fmt.Errorf("the priority is %q", priority)
	}
	for _, one := range []struct {
		to      *string
		longest int
	}{{&p.version, 1}, {&p.time, 32}, {&p.host, 255}, {&p.program, 48}, {&p.pid, 128}, {&p.kind, 32}} {
		*one.to, rest, found = strings.Cut(rest, " ")
		if !found || *one.to == "" || len(*one.to) > one.longest {
			return p, fmt.Errorf("a field is %q", *one.to)
		}
		for _, c := range []byte(*one.to) {
			if c <= ' ' || c >= 0x7f {
				return p, fmt.Errorf("a field is %q", *one.to)
			}
		}
	}
	if p.time != "-" {
		if _, err := time.Parse("2006-01-02T15:04:05.999999Z07:00", p.time); err != nil {
			return p, err
		}
	}
	p.data = make(map[string]string)
	for _, element := range []string{"[origin", "[meta"} {
		if rest, ok = strings.CutPrefix(rest, element); !ok {
			return p, fmt.Errorf("no %s", element)
		}
		if rest, err = parseElement(rest, p.data); err != nil {
			return p, err
		}
	}
	p.body, ok = strings.CutPrefix(rest, " ")
	if !ok {
		return p, errors.New("the structured data does not end")
	}
	return p, nil
}

// parseElement reads the parameters of structured data up to its end.
func parseElement(rest string, into map[string]string) (string, error) {
	for strings.HasPrefix(rest, " ") {
		name, value, found := strings.Cut(rest[1:], `="`)
		if !found {
			return "", errors.New("no parameter")
		}
		var text []byte
		for i := 0; ; i++ {
			if i >= len(value) {
				return "", errors.New("a parameter does not end")
			}
			if value[i] == '\\' && i+1 < len(value) && strings.IndexByte(`"\]`, value[i+1]) >= 0 {
				i++
			} else if value[i] == '"' {
				rest = value[i+1:]
				break
			} else if value[i] == ']' {
				return "", errors.New("a bracket is not escaped")
			}
			text = append(text, value[i])
		}
		into[name] = string(text)
	}
	rest, ok := strings.CutPrefix(rest, "]")
	if !ok {
		return "", errors.New("an element does not end")
	}
	return rest, nil
}

func TestMessage(t *testing.T) {
	at := time.Date(2026, 11, 25, 1, 2, 3, 456789600, time.FixedZone("", 3600))
	for _, test := range []struct {
		name     string
		origin   Origin
		document output.Document
		sequence uint64
		want     string
	}{
		{
			"an alert",
			Origin{Facility: 3, Hostname: "host.example", Program: "tripline", PID: 42, Version: "1.0"},
			output.Document{JSON: []byte(`{"a":"é"}`), Severity: output.SeverityWarning, Time: at},
			1,
			`<28>1 2026-11-25T00:02:03.456790Z host.example tripline 42 alert [origin software="tripline" swVersion="1.0"][meta sequenceId="1"] {"a":"é"}`,
		},
		{
			"what must be escaped",
			Origin{Facility: 23, Hostname: "a host", Program: `t"]\`, Version: `"]\`},
			output.Document{JSON: []byte(`{}`), Kind: output.KindEvent, Severity: output.SeverityInfo},
			maxSequence + 2,
			`<190>1 - a_host t"]\ 0 event [origin software="t\"\]\\" swVersion="\"\]\\"][meta sequenceId="2"] {}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := string(test.origin.append(nil, &test.document, test.sequence, test.document.JSON)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
	for name, want := range map[string]output.Severity{"critical": 2, "high": 3, "medium": 4, "low": 5, "odd": 4} {
		if got := output.RuleSeverity(name); got != want {
			t.Errorf("%s is %d", name, got)
		}
	}
}

// FuzzMessage reads back what was written.
func FuzzMessage(f *testing.F) {
	f.Add(uint8(3), uint8(4), "host", "tripline", "1.0", int64(1), []byte(`{}`))
	f.Add(uint8(255), uint8(255), "", "\x00é ", `"]\`, int64(-1<<62), []byte("\n] x"))
	f.Fuzz(func(t *testing.T, facility, severity uint8, host, program, version string, at int64, body []byte) {
		origin := Origin{Facility: facility, Hostname: host, Program: program, PID: 7, Version: version}
		document := output.Document{Severity: output.Severity(severity), Time: time.Unix(0, at), JSON: body}
		text := origin.append(nil, &document, maxSequence, body)
		p, err := parse(string(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if p.priority != int(min(facility, 23))*8+int(min(severity, 7)) || p.body != string(body) || p.data["software"] != program ||
			p.data["swVersion"] != version || p.version != "1" || p.pid != "7" || p.data["sequenceId"] != "2147483647" || p.kind != "alert" {
			t.Errorf("%q was read as %+v", text, p)
		}
	})
}

func TestReduce(t *testing.T) {
	guide := strings.Repeat("look closely ", 100)
	document := map[string]any{
		"@timestamp": "2026-11-25T00:00:00Z", "message": "Rule",
		"rule":   map[string]any{"id": "r", "name": "Rule"},
		"kibana": map[string]any{"alert": map[string]any{"severity": "medium", "rule": map[string]any{"note": guide, "name": "Rule"}}},
		"tripline": map[string]any{"alert": map[string]any{
			"id": "i", "guide": guide, "sequence": []any{map[string]any{"x": strings.Repeat("y", 1500)}},
		}},
		"process": map[string]any{"pid": json.Number("12345678901234567890"), "command_line": strings.Repeat("z", 500)},
	}
	whole, err := encode(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		limit          int
		keeps, lacks   string
		leftOut        string
		wantErrTooMuch bool
	}{
		{limit: 3900, keeps: "look closely", lacks: `"note"`, leftOut: `["kibana.alert.rule.note"]`},
		{limit: 2600, keeps: "yyy", lacks: "look closely", leftOut: `["kibana.alert.rule.note","tripline.alert.guide"]`},
		{limit: 900, keeps: "zzz", lacks: "yyy", leftOut: `"kibana.alert.rule","tripline.alert.sequence"`},
		{limit: 450, keeps: "12345678901234567890", lacks: "zzz", leftOut: `"process.command_line"`},
		{limit: 220, keeps: `"tripline":{"alert":{"id":"i"}`, lacks: "severity", leftOut: `"process","kibana"]`},
		{limit: 100, wantErrTooMuch: true},
	} {
		got, err := reduce(whole, test.limit)
		if test.wantErrTooMuch {
			if !errors.Is(err, errTooLarge) {
				t.Errorf("%d: %v", test.limit, err)
			}
			continue
		}
		text := string(got)
		if err != nil || len(got) > test.limit || !json.Valid(got) || !strings.Contains(text, test.keeps) || strings.Contains(text, test.lacks) || !strings.Contains(text, test.leftOut) {
			t.Errorf("%d: %v, %d bytes: %s", test.limit, err, len(got), text)
		}
	}
	odd := []byte(`{"odd":"` + strings.Repeat("x", 500) + `","rule":{"id":"r","more":1},"process":{"pid":1}}`)
	if got, err := reduce(odd, 100); string(got) != `{"rule":{"id":"r"},"tripline":{"output":{"left_out":["*"]}}}` {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := reduce([]byte("no JSON"), 10); err == nil {
		t.Error("what is no JSON is reduced")
	}
}
