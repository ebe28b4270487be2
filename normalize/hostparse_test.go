package normalize

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"tripline/internal/diag"
)

const hostFactsText = `{
	"id": "0123", "hostname": "web-1", "architecture": "x86_64", "boot_id": "b", "agent_id": "a",
	"os": {"type": "linux", "family": "debian", "platform": "ubuntu", "name": "Ubuntu", "version": "24.04",
		"full": "Ubuntu 24.04.1 LTS", "kernel": "6.8.0-45-generic"}
}
`

func TestParseHostFacts(t *testing.T) {
	for text, want := range map[string]HostFacts{
		hostFactsText: {
			ID: "0123", Hostname: "web-1", Architecture: "x86_64", BootID: "b", AgentID: "a",
			OS: OSFacts{
				Type: "linux", Family: "debian", Platform: "ubuntu", Name: "Ubuntu", Version: "24.04",
				Full: "Ubuntu 24.04.1 LTS", Kernel: "6.8.0-45-generic",
			},
		},
		"{}":                                   {},
		` { "os" : { } , "id" : "" } `:         {},
		`{"hostname": "a\u00e9\ud83d\ude00b"}`: {Hostname: "aé😀b"},
		`{"id": "x"}`:                          {ID: "x", AgentID: hostAgentID("x")},
	} {
		got, err := ParseHostFacts("host.json", []byte(text))
		if err != nil || *got != want {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", text, got, err, want)
		}
	}
}

func TestParseHostFactsDefects(t *testing.T) {
	const example = `; give an object such as {"id": "…", "hostname": "…", "os": {"name": "…"}}`
	for text, want := range map[string]string{
		"":                                     `host.json:1:1: not JSON: unexpected end of JSON input` + example,
		"\n":                                   `host.json:2:1: not JSON: unexpected end of JSON input` + example,
		"{\n \"id\": \"a\"":                    `host.json:2:11: not JSON: unexpected end of JSON input` + example,
		"{\"id\": \"a\",\n}":                   `host.json:2:1: not JSON: invalid character '}' looking for beginning of object key string` + example,
		"{} {}":                                `host.json:1:4: not JSON: invalid character '{' after top-level value` + example,
		"{\"id\": \"é\",\n\t\"a\xff\": \"\"}":  `host.json:2:4: not UTF-8; save the file as UTF-8`,
		"{\"id\": \"é\", \"hotsname\": \"\"}":  `host.json:1:13: the key "hotsname" is not known; did you mean "hostname"?`,
		"{\"os\": {\n  \"colour\": 1}}":        `host.json:2:3: the key "colour" is not known; the keys are type, family, platform, name, version, full, kernel`,
		`{"ID": "a"}`:                          `host.json:1:2: the key "ID" is not known; the keys are id, hostname, os, architecture, boot_id, agent_id`,
		`{"id": "a", "hostname": "", "id":""}`: `host.json:1:29: the key "id" occurs twice; remove one of them`,
		"{\"id\":\n 5}":                        `host.json:2:2: "id" must be a text and is a number; put it in double quotes`,
		`{"id": null}`:                         `host.json:1:8: "id" must be a text and is null; put it in double quotes`,
		`{"id": true}`:                         `host.json:1:8: "id" must be a text and is true or false; put it in double quotes`,
		`{"id": [[[]]]}`:                       `host.json:1:8: "id" must be a text and is a list; put it in double quotes`,
		`{"id": {"a": 1}}`:                     `host.json:1:8: "id" must be a text and is an object; put it in double quotes`,
		`{"os": "Ubuntu"}`:                     `host.json:1:8: this must be an object and is a text; write {"…": "…"}`,
		`["a"]`:                                `host.json:1:1: this must be an object and is a list; write {"…": "…"}`,
		`1`:                                    `host.json:1:1: this must be an object and is a number; write {"…": "…"}`,
		`{"id": 1e999}`:                        `host.json:1:8: "id" must be a text and is a number; put it in double quotes`,
	} {
		_, err := ParseHostFacts("host.json", []byte(text))
		var defect *diag.Error
		if !errors.As(err, &defect) || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func FuzzParseHostFacts(f *testing.F) {
	f.Add([]byte(hostFactsText))
	f.Add([]byte(`{"id": 1}`))
	f.Add([]byte(`{"os": {"name": "\ud800", "name": ""}, "x": [[{}]]}`))
	f.Add([]byte("{\"id\": \"\xff\"}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := ParseHostFacts("host.json", data)
		if err != nil {
			var defect *diag.Error
			if !errors.As(err, &defect) || defect.Line < 1 || defect.Column < 1 || defect.Hint == "" || defect.Message == "" {
				t.Fatalf("not a full description of a defect: %#v", err)
			}
			return
		}
		var plain HostFacts
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&plain); err != nil {
			t.Fatalf("taken, and refused by package json: %v", err)
		}
		if plain.AgentID == "" {
			plain.AgentID = facts.AgentID
		}
		if plain != *facts {
			t.Fatalf("got %+v, package json %+v", *facts, plain)
		}
		text, err := json.Marshal(facts)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseHostFacts("host.json", text); err != nil || *again != *facts {
			t.Fatalf("%+v was written as %s and read as %+v, %v", *facts, text, again, err)
		}
	})
}
