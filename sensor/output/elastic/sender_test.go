package elastic

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/sensor/output"
)

// cluster stands for Elasticsearch: it creates documents by id, as the bulk API
// does, and may be told to fail.
type cluster struct {
	t  *testing.T
	mu sync.Mutex
	// fail, if set, may answer the request itself: then it says true.
	fail func(w http.ResponseWriter, r *http.Request, ids []string) bool
	// item, if set, gives a document a status other than 0.
	item     func(id string) int
	created  map[string]string // id to index
	order    []string
	requests int
	again    int // answers of 409
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	if r.URL.Path != "/_bulk" || r.Header.Get("Content-Type") != "application/x-ndjson" {
		c.t.Errorf("a request for %s of %s", r.URL, r.Header.Get("Content-Type"))
	}
	from := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			c.t.Error(err)
			return
		}
		from = unpacked
	}
	var ids, indexes []string
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var one action
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil || !lines.Scan() || !json.Valid(lines.Bytes()) {
			c.t.Errorf("a bad body: %q, %v", lines.Bytes(), err)
			return
		}
		ids, indexes = append(ids, one.Create.ID), append(indexes, one.Create.Index)
	}
	if c.fail != nil && c.fail(w, r, ids) {
		return
	}
	var read answer
	for i, id := range ids {
		status := 0
		if c.item != nil {
			status = c.item(id)
		}
		switch _, there := c.created[id]; {
		case status != 0:
		case there:
			status = 409
			c.again++
		default:
			status = 201
			c.created[id] = indexes[i]
			c.order = append(c.order, id)
		}
		one := itemAnswer{Status: status}
		if status > 299 {
			read.Errors = true
			one.Error = json.RawMessage(`{"type":"some_exception","reason":"because"}`)
		}
		read.Items = append(read.Items, map[string]itemAnswer{"create": one})
	}
	_ = json.NewEncoder(w).Encode(read)
}

// bench is a cluster and an output that sends to it.
type bench struct {
	*cluster
	server  *httptest.Server
	remote  *output.Remote
	refused string
	options Options
}

func newBench(t *testing.T, options Options) *bench {
	b := &bench{cluster: &cluster{t: t, created: make(map[string]string)}}
	b.server = httptest.NewServer(b.cluster)
	t.Cleanup(b.server.Close)
	if options.URLs == nil {
		options.URLs = []string{b.server.URL}
	}
	b.options = options
	b.start(t, t.TempDir())
	return b
}

func (b *bench) start(t *testing.T, folder string) {
	t.Helper()
	b.refused = filepath.Join(folder, "refused.ndjson")
	file, err := output.OpenFile(output.FileOptions{Path: b.refused, Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	b.options.Refused, b.options.Log = file, hclog.NewNullLogger()
	if b.options.Timeout == 0 {
		b.options.Timeout = 10 * time.Second
	}
	sender, err := New(b.options)
	if err != nil {
		t.Fatal(err)
	}
	b.remote, err = output.OpenRemote(sender, output.RemoteOptions{
		Folder: filepath.Join(folder, "spool"), MaxBytes: 1 << 20, Documents: 8, Bytes: 1 << 20,
		FirstPause: time.Millisecond, LongestPause: 20 * time.Millisecond, Log: hclog.NewNullLogger(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// send hands documents to the output, named by their numbers.
func (b *bench) send(t *testing.T, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		document := output.Document{ID: fmt.Sprint(n), JSON: fmt.Appendf(nil, `{"n":%d}`, n), Time: time.Now()}
		if err := b.remote.Write(context.Background(), document); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *bench) await(t *testing.T, what string, so func(output.Counters) bool) output.Counters {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		counters := b.remote.Counters()
		if so(counters) {
			return counters
		}
		if time.Now().After(deadline) {
			t.Fatalf("it did not come: %s; %+v", what, counters)
		}
	}
}

func (b *bench) idle(t *testing.T) output.Counters {
	t.Helper()
	return b.await(t, "everything is delivered", func(c output.Counters) bool { return c.Waiting == 0 && c.Trouble == "" })
}

func (b *bench) set(change func(*cluster)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b.cluster)
}

func numbers(from, to int) []string {
	var all []string
	for ; from < to; from++ {
		all = append(all, fmt.Sprint(from))
	}
	return all
}

// TestFailures sends 20 documents to a cluster that fails and then works again:
// each is created once, in order, and what failed is counted and named.
func TestFailures(t *testing.T) {
	status := func(code int) func(http.ResponseWriter, *http.Request, []string) bool {
		return func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
			w.WriteHeader(code)
			return true
		}
	}
	for _, test := range []struct {
		name, trouble string
		fail          func(http.ResponseWriter, *http.Request, []string) bool
	}{
		{"401", "401 Unauthorized; is the api_key right", status(401)},
		{"403", "403 Forbidden; the api_key needs", status(403)},
		{"404", "404 Not Found", status(404)},
		{"429", "429 Too Many Requests", status(429)},
		{"503", "503 Service Unavailable", status(503)},
		{"a redirect", "307 Temporary Redirect", status(307)},
		{"no Elasticsearch", "reading the answer", func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
			_, _ = io.WriteString(w, "<html>It works!</html>")
			return true
		}},
		{"an answer to another request", "about 0 documents", func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
			_, _ = io.WriteString(w, "{}")
			return true
		}},
		{"closes the connection", "EOF", func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return true
			}
			_ = connection.Close()
			return true
		}},
		{"closes within the answer", "unexpected EOF", func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"errors":`)
			return true
		}},
		{"hangs", "deadline exceeded", func(_ http.ResponseWriter, r *http.Request, _ []string) bool {
			<-r.Context().Done()
			return true
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := Options{Compress: true}
			if test.name == "hangs" {
				options.Timeout = 50 * time.Millisecond
			}
			b := newBench(t, options)
			b.set(func(c *cluster) { c.fail = test.fail })
			b.send(t, 0, 20)
			counters := b.await(t, "trouble", func(c output.Counters) bool { return c.Trouble != "" && c.Retried > 2 })
			if !strings.Contains(counters.Trouble, test.trouble) || counters.Waiting != 20 || counters.Lag == 0 {
				t.Errorf("%+v", counters)
			}
			b.set(func(c *cluster) { c.fail = nil })
			counters = b.idle(t)
			if counters.Delivered != 20 || counters.Rejected != 0 {
				t.Errorf("%+v", counters)
			}
			if err := b.remote.Close(); err != nil {
				t.Error(err)
			}
			if !slices.Equal(b.order, numbers(0, 20)) {
				t.Errorf("created: %v", b.order)
			}
		})
	}
}

// TestItemFailures has the cluster refuse single documents.
func TestItemFailures(t *testing.T) {
	b := newBench(t, Options{})
	tried := 0
	b.set(func(c *cluster) {
		c.item = func(id string) int {
			switch id {
			case "3":
				return 400
			case "5":
				if tried++; tried < 4 {
					return 429
				}
			case "6":
				if tried < 3 {
					return 503
				}
			}
			return 0
		}
	})
	b.send(t, 0, 8)
	counters := b.idle(t)
	if counters.Delivered != 7 || counters.Rejected != 1 || counters.Retried < 3 {
		t.Errorf("%+v", counters)
	}
	if err := b.remote.Close(); err != nil {
		t.Error(err)
	}
	if len(b.created) != 7 || b.again != 0 {
		t.Errorf("%v were created, %d sent again", b.created, b.again)
	}
	data, err := os.ReadFile(b.refused)
	var aside struct {
		ID, Reason string
		Status     int
		Document   struct{ N int }
	}
	if err := json.Unmarshal(data, &aside); err != nil {
		t.Errorf("put aside: %q, %v", data, err)
	}
	if err != nil || aside.ID != "3" || aside.Status != 400 || aside.Document.N != 3 || !strings.Contains(aside.Reason, "because") {
		t.Errorf("put aside: %+v, %v", aside, err)
	}
}

// TestTooLarge has the cluster take three documents at once, and one never.
func TestTooLarge(t *testing.T) {
	b := newBench(t, Options{})
	b.set(func(c *cluster) {
		c.fail = func(w http.ResponseWriter, _ *http.Request, ids []string) bool {
			if len(ids) <= 3 && !slices.Contains(ids, "4") {
				return false
			}
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return true
		}
	})
	b.send(t, 0, 20)
	counters := b.idle(t)
	if counters.Delivered != 19 || counters.Rejected != 1 || len(b.created) != 19 || !slices.IsSortedFunc(b.order, func(x, y string) int {
		return len(x)*100 + strings.Compare(x, y) - len(y)*100
	}) {
		t.Errorf("%+v, created %v", counters, b.order)
	}
	if err := b.remote.Close(); err != nil {
		t.Error(err)
	}
}

// TestResendingMakesNoDuplicate has the cluster take documents and fail to say so.
func TestResendingMakesNoDuplicate(t *testing.T) {
	b := newBench(t, Options{})
	lost := 0
	b.set(func(c *cluster) {
		c.fail = func(w http.ResponseWriter, _ *http.Request, ids []string) bool {
			if lost++; lost > 2 {
				return false
			}
			for _, id := range ids {
				if _, there := c.created[id]; !there {
					c.created[id], c.order = "x", append(c.order, id)
				}
			}
			w.WriteHeader(http.StatusGatewayTimeout)
			return true
		}
	})
	b.send(t, 0, 5)
	if counters := b.idle(t); counters.Delivered != 5 || counters.Rejected != 0 || b.again == 0 || !slices.Equal(b.order, numbers(0, 5)) {
		t.Errorf("%+v, created %v, %d again", counters, b.order, b.again)
	}
	if err := b.remote.Close(); err != nil {
		t.Error(err)
	}
}

// TestNextRunDelivers closes the output while the cluster is away.
func TestNextRunDelivers(t *testing.T) {
	b := newBench(t, Options{})
	b.set(func(c *cluster) {
		c.fail = func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
	})
	b.send(t, 0, 10)
	if err := b.remote.Close(); err != nil {
		t.Fatal(err)
	}
	b.set(func(c *cluster) { c.fail = nil })
	b.start(t, filepath.Dir(b.refused))
	b.send(t, 10, 12)
	b.idle(t)
	if err := b.remote.Close(); err != nil {
		t.Error(err)
	}
	if !slices.Equal(b.order, numbers(0, 12)) {
		t.Errorf("created %v", b.order)
	}
}

func TestStreamsAndKey(t *testing.T) {
	folder := t.TempDir()
	keyFile := filepath.Join(folder, "key")
	if err := os.WriteFile(keyFile, []byte("id:secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, Options{KeyFile: keyFile})
	b.set(func(c *cluster) {
		c.fail = func(_ http.ResponseWriter, r *http.Request, _ []string) bool {
			if got := r.Header.Get("Authorization"); got != "ApiKey aWQ6c2VjcmV0" {
				t.Errorf("Authorization: %q", got)
			}
			return false
		}
	})
	for _, document := range []output.Document{
		{ID: "a", JSON: []byte(`{}`)},
		{JSON: []byte(`{"h":1}`), Kind: output.KindHealth},
		{JSON: []byte(`{"e":1}`), Kind: output.KindEvent},
		{ID: "a-evidence", JSON: []byte(`{"v":1}`), Kind: output.KindEvidence},
	} {
		if err := b.remote.Write(context.Background(), document); err != nil {
			t.Fatal(err)
		}
	}
	b.idle(t)
	indexes := make(map[string]bool)
	for _, index := range b.created {
		indexes[index] = true
	}
	if len(b.created) != 4 || b.created["a-evidence"] != "logs-tripline.evidence-default" || b.created["a"] != "logs-tripline.alerts-default" || !indexes["logs-tripline.health-default"] || !indexes["logs-tripline.events-default"] {
		t.Errorf("created %v", b.created)
	}
	if err := b.remote.Close(); err != nil {
		t.Error(err)
	}
}

// TestTLS reaches a node over TLS by its own CA only, after a node that is away.
func TestTLS(t *testing.T) {
	secured := &cluster{t: t, created: make(map[string]string)}
	server := httptest.NewTLSServer(secured)
	defer server.Close()
	server.Config.ErrorLog = hclog.NewNullLogger().StandardLogger(nil)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	options := Options{URLs: []string{"https://127.0.0.1:1", server.URL}}
	b := newBench(t, options)
	b.send(t, 0, 1)
	b.await(t, "the certificate is not trusted", func(c output.Counters) bool { return strings.Contains(c.Trouble, "certificate") })
	if err := b.remote.Close(); err != nil {
		t.Fatal(err)
	}
	b.options.TLS.CA = ca
	b.start(t, filepath.Dir(b.refused))
	if b.idle(t); len(secured.created) != 1 {
		t.Errorf("created %v", secured.created)
	}
	if err := b.remote.Close(); err != nil {
		t.Error(err)
	}
}
