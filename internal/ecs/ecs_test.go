package ecs

import (
	"strings"
	"testing"
)

func TestFields(t *testing.T) {
	fields, err := Fields()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Field{
		"@timestamp":                                 {"@timestamp", "date", false},
		"event.category":                             {"event.category", "keyword", true},
		"process.entry_leader.entry_meta.type":       {"process.entry_leader.entry_meta.type", "keyword", false},
		"process.parent.args":                        {"process.parent.args", "keyword", true},
		"process.tty.char_device.major":              {"process.tty.char_device.major", "long", false},
		"user.effective.group.name":                  {"user.effective.group.name", "keyword", false},
		"destination.ip":                             {"destination.ip", "ip", false},
		"threat.technique.subtechnique.id":           {"threat.technique.subtechnique.id", "keyword", true},
		"process.session_leader.same_as_process":     {"process.session_leader.same_as_process", "boolean", false},
		"process.entry_leader.parent.session_leader": {},
		"user.real.id":                               {},
	} {
		if got := fields[name]; got != want {
			t.Errorf("%s is %+v, not %+v", name, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct{ name, document, want string }{
		{"good", `{"@timestamp":"2026-01-02T03:04:05.678Z","event":{"kind":"event","category":["network"],"type":["start"],"outcome":"success","sequence":7},"process":{"args":["a"],"tty":{"char_device":{"major":4}}},"x":{"y":1}}`, ""},
		{"unknown name", `{"event":{"kind":"event"},"process":{"real":{"id":"1"}}}`, "process.real.id is no field of ECS"},
		{"text for a number", `{"event":{"kind":"event","sequence":"7"}}`, "event.sequence is a long"},
		{"fraction", `{"event":{"kind":"event","sequence":7.5}}`, "event.sequence is a long"},
		{"number for a text", `{"event":{"kind":"event","code":7}}`, "event.code is a keyword"},
		{"text for an object", `{"event":{"kind":"event"},"process":{"tty":"pts0"}}`, "process.tty is a object"},
		{"text for a part of an object", `{"event":{"kind":"event"},"process":{"tty":{"char_device":"pts0"}}}`, "process.tty.char_device is no field"},
		{"no list", `{"event":{"kind":"event"},"process":{"args":"a"}}`, "process.args is to be a list"},
		{"bad address", `{"event":{"kind":"event"},"destination":{"ip":"/tmp/x"}}`, "destination.ip is a ip"},
		{"bad date", `{"@timestamp":1,"event":{"kind":"event"}}`, "@timestamp is a date"},
		{"no kind", `{"event":{}}`, "event.kind"},
		{"reserved kind", `{"event":{"kind":"signal"}}`, "event.kind"},
		{"bad category", `{"event":{"kind":"event","category":["audit"],"type":[]}}`, "event.category is audit"},
		{"bad pair", `{"event":{"kind":"event","category":["session"],"type":["change"]}}`, "event.type change does not go with"},
		{"bad outcome", `{"event":{"kind":"event","outcome":"maybe"}}`, "event.outcome"},
		{"no JSON", `{`, "decoding"},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := Check([]byte(test.document), "x")
			if test.want == "" && len(found) == 0 {
				return
			}
			if test.want == "" || len(found) != 1 || !strings.Contains(found[0].Error(), test.want) {
				t.Errorf("found %v, want %q", found, test.want)
			}
		})
	}
}
