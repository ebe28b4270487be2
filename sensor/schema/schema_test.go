package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tripline/detect"
	"tripline/normalize"
	"tripline/rules"
	"tripline/sensor/alert"
	"tripline/sensor/evidence"
	"tripline/sensor/health"
	"tripline/sensor/packages"
	"tripline/sensor/prevalence"
	"tripline/sensor/throttle"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	text, err := Template()
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/template.golden"
	var compact map[string]any
	if err := json.Unmarshal(text, &compact); err != nil {
		t.Fatalf("the template is no JSON: %v", err)
	}
	compact["_meta"].(map[string]any)["version"] = "VERSION"
	text, _ = json.MarshalIndent(compact, "", "  ")
	if *update {
		if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(text)+"\n" {
		t.Error("the template has changed; -update writes it anew")
	}
}

// TestForm checks what Elasticsearch demands of a composable template for a data
// stream.
func TestForm(t *testing.T) {
	text, err := Template()
	if err != nil {
		t.Fatal(err)
	}
	var one struct {
		IndexPatterns []string       `json:"index_patterns"`
		DataStream    map[string]any `json:"data_stream"`
		Priority      int            `json:"priority"`
		Template      struct {
			Settings struct {
				Index struct {
					Mapping struct {
						TotalFields struct {
							Limit int `json:"limit"`
						} `json:"total_fields"`
					} `json:"mapping"`
				} `json:"index"`
			} `json:"settings"`
			Mappings struct {
				Dynamic    bool              `json:"dynamic"`
				Properties map[string]*field `json:"properties"`
			} `json:"mappings"`
		} `json:"template"`
	}
	if err := json.Unmarshal(text, &one); err != nil {
		t.Fatal(err)
	}
	properties := one.Template.Mappings.Properties
	if len(one.IndexPatterns) != 1 || one.DataStream == nil || one.Priority <= 100 || properties["@timestamp"].Type != "date" {
		t.Errorf("%+v", one)
	}
	known := map[string]bool{
		"keyword": true, "constant_keyword": true, "wildcard": true, "match_only_text": true, "flattened": true,
		"long": true, "float": true, "boolean": true, "date": true, "ip": true,
	}
	// What may be malformed elsewhere may not be in the timestamp of a data stream.
	if lenient := properties["@timestamp"].IgnoreMalformed; lenient == nil || *lenient {
		t.Error("@timestamp may be malformed")
	}
	mapped := 0
	var walk func(name string, of map[string]*field)
	walk = func(name string, of map[string]*field) {
		for part, one := range of {
			if (one.Type == "") == (one.Properties == nil) || one.Type != "" && !known[one.Type] {
				t.Errorf("%s%s has type %q and %d properties", name, part, one.Type, len(one.Properties))
			}
			mapped += 1 + len(one.Fields)
			walk(name+part+".", one.Properties)
		}
	}
	walk("", properties)
	if limit := one.Template.Settings.Index.Mapping.TotalFields.Limit; mapped > limit {
		t.Errorf("%d fields and objects are mapped, and %d may be", mapped, limit)
	}
	for _, stream := range []string{"alerts", "evidence", "events", "health"} {
		if ok, err := filepath.Match(Pattern, "logs-tripline."+stream+"-default"); !ok || err != nil {
			t.Errorf("%s is not for the data stream of %s", Pattern, stream)
		}
		// Of a dataset's name Elastic's naming of data streams asks this.
		if name := "tripline." + stream; len(name) > 100 || strings.ToLower(name) != name || strings.ContainsAny(name, `-\/*?"<>| ,#:`) {
			t.Errorf("a dataset cannot be named %s", name)
		}
	}
}

// TestNoConflict finds fields that are also objects.
func TestNoConflict(t *testing.T) {
	all := Fields()
	for name := range all {
		for at := strings.LastIndexByte(name, '.'); at > 0; at = strings.LastIndexByte(name[:at], '.') {
			if kind, both := all[name[:at]]; both {
				t.Errorf("%s is a field (%s), and an object with %s", name[:at], kind, name)
			}
		}
	}
}

// TestDocuments finds every field of every kind of document in the template, with
// a value that its type takes.
func TestDocuments(t *testing.T) {
	goldens, err := filepath.Glob("../../testdata/*.golden")
	if err != nil || len(goldens) < 10 {
		t.Fatalf("%d golden files, %v", len(goldens), err)
	}
	checked := 0
	for _, path := range append(goldens, "../alert/testdata/alert.golden") {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(content))
		for decoder.More() {
			var document map[string]any
			if err := decoder.Decode(&document); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			expectMapped(t, filepath.Base(path), document)
			checked++
		}
	}
	for name, text := range made(t) {
		var document map[string]any
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		expectMapped(t, name, document)
	}
	if checked < 20 {
		t.Errorf("only %d documents were checked", checked)
	}
}

// expectMapped walks through a document.
func expectMapped(t *testing.T, from string, document map[string]any) {
	t.Helper()
	all := Fields()
	var walk func(name string, value any)
	walk = func(name string, value any) {
		kind, mapped := all[name]
		switch one := value.(type) {
		case nil:
		case []any:
			for _, element := range one {
				walk(name, element)
			}
		case map[string]any:
			if mapped && kind != "flattened" {
				t.Errorf("%s: %s is %s and has an object", from, name, kind)
			}
			if mapped {
				return
			}
			for part, inner := range one {
				walk(strings.TrimPrefix(name+"."+part, "."), inner)
			}
		default:
			if !mapped {
				t.Errorf("%s: %s is not mapped", from, name)
			} else if !takes(kind, value) {
				t.Errorf("%s: %s is %s and has %v", from, name, kind, value)
			}
		}
	}
	walk("", document)
}

// takes says whether a type takes a value.
func takes(kind string, value any) bool {
	text, isText := value.(string)
	number, isNumber := value.(float64)
	_, isBool := value.(bool)
	switch kind {
	case "date":
		_, err := time.Parse(time.RFC3339Nano, text)
		return isText && err == nil
	case "ip":
		_, err := netip.ParseAddr(text)
		return isText && err == nil
	case "long":
		return isNumber && number == float64(int64(number))
	case "float":
		return isNumber
	case "boolean":
		return isBool
	case "flattened":
		return false
	default:
		return isText
	}
}

// made makes the kinds of documents that no golden file has, with every field.
func made(t *testing.T) map[string][]byte {
	t.Helper()
	loaded, err := detect.LoadRules(rules.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	at, days := time.UnixMilli(1700000000000).UTC(), int64(3)
	part := evidence.Part{Read: at, Failed: []string{"why"}}
	user := &evidence.User{ID: "0", Name: "root"}
	socket := evidence.Socket{Protocol: "tcp", State: "LISTEN", LocalIP: "::1", LocalPort: 1, PeerIP: "192.0.2.1", PeerPort: 2, Path: "/x", FD: 3, PID: 4, Executable: "/x", CommandLine: "x"}
	found := evidence.Evidence{
		Gathered: at, Process: evidence.Running, Incomplete: true, Hints: []evidence.Hint{{Code: "code", Text: "text"}},
		Tree: &evidence.Tree{Part: part, Processes: []evidence.Process{{
			PID: 1, Name: "x", Executable: "/x", CommandLine: "x", Directory: "/", Start: at, User: user, Login: user,
			Session: "1", Leader: 1, Terminal: "pts/0", Kernel: true, Source: "event",
		}}},
		Executable: &evidence.Executable{
			Part: part, Path: "/x", Source: "process", SHA256: "00", Size: 1, Mode: "0755", Owner: user, Group: "0", Modified: at, Changed: at,
			Device: "8:1", Inode: 1, Deleted: true, Memfd: true, PackageState: "owned",
			Package: &packages.Package{Manager: "dpkg", Name: "x", Version: "1", Architecture: "amd64", Installed: at},
		},
		Prevalence: &evidence.Prevalence{Part: part, Record: prevalence.Record{First: at, Last: at, Count: 1}, FirstConnection: true, Since: at, FileChanged: true, AfterInstall: &days},
		Sockets:    &evidence.Sockets{Part: part, Sockets: []evidence.Socket{socket}, More: 1},
		Listeners:  &evidence.Listeners{Part: part, Sockets: []evidence.Socket{socket}, More: 1},
		Sessions: &evidence.Sessions{
			Part: part, Logins: []evidence.Login{{User: "x", Terminal: "pts/0", From: "host", Since: at}},
			Audit: []evidence.AuditSession{{ID: "1", Login: *user, Processes: 1, PID: 1, Name: "x"}}, More: 1,
		},
		Container: &evidence.Container{Part: part, Cgroups: []string{"/"}, ID: "x", Runtime: "docker", Unit: "x.service"},
	}
	host := &normalize.HostFacts{
		ID: "h", Hostname: "h", Architecture: "x86_64", BootID: "b", AgentID: "a",
		OS: normalize.OSFacts{Type: "linux", Family: "debian", Platform: "debian", Name: "Debian", Version: "12", Full: "Debian 12", Kernel: "6.1"},
	}
	builder := alert.Builder{Host: host}
	summary, err := builder.Summary(throttle.Summary{
		Rule: loaded[0], FirstID: "id", From: at, To: at, First: at, Last: at, Count: 3, Others: 1,
		Groups: []throttle.Group{{Executable: "/x", User: "0", Destination: "192.0.2.1", Port: 1, Count: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	enrichment, err := summary.Enrichment(at, found)
	if err != nil {
		t.Fatal(err)
	}
	message := health.Message{
		ID: "x", Time: at, Suppressed: 1,
		Condition: health.Condition{Kind: health.RulesDeleted, Since: at, What: "what", Subject: "s", Detail: map[string]any{"n": 1}, Who: &health.Who{PID: 1}},
	}
	sick, err := message.Document(host)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"summary": summary.JSON, "evidence": enrichment, "health": sick}
}
