package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// alertOf is the document of a planted pair's alert.
func alertOf(number int) []byte {
	return fmt.Appendf(nil, `{"event":{"kind":"alert"},"tripline":{"alert":{"sequence":[{"destination":{"ip":%q}},null]}}}`, address(number))
}

// message is a document as the sensor's syslog output sends it.
func message(document []byte) string {
	text := `<28>1 2026-11-28T00:00:00Z host tripline 7 alert [origin software="tripline" swVersion="1"][meta sequenceId="1"] ` + string(document)
	return fmt.Sprintf("%d %s", len(text), text)
}

func TestPairs(t *testing.T) {
	for document, want := range map[string]string{
		string(alertOf(300)):         "127.77.1.44",
		`{"event":{"kind":"event"}}`: "",
		`{"event":{"kind":"alert"}}`: "",
		`{"event":{"kind":"alert"},"tripline":{"alert":{"sequence":[{"destination":{"ip":"127.0.0.1"}}]}}}`: "-",
	} {
		if got, err := pairOf([]byte(document)); got != want || err != nil {
			t.Errorf("%s: %q, %v", document, got, err)
		}
	}
	if _, err := pairOf([]byte(`{"event":`)); !errors.Is(err, errNoDocument) {
		t.Errorf("of half a document: %v", err)
	}
}

func TestDeliveredOnce(t *testing.T) {
	got := newArrivals()
	for _, number := range []int{0, 1, 1, 3} {
		if err := got.add(alertOf(number)); err != nil {
			t.Fatal(err)
		}
	}
	check := deliveredOnce("syslog", got, []string{address(0), address(1), address(2)}, 0)
	if want := "3 planted, 1 missing, 1 more than once, 1 never planted"; check.Passed || check.Found != want {
		t.Errorf("%+v, want %s", check, want)
	}
	if check := deliveredOnce("syslog", got, nil, 0); check.Passed {
		t.Error("nothing was planted, and that is said to be well")
	}
}

// TestSyslogKeepsWhatItConfirmed ends connections in order and by going away.
func TestSyslogKeepsWhatItConfirmed(t *testing.T) {
	problems := make(chan error, 1)
	server, err := newSyslogServer(problems)
	if err != nil {
		t.Fatal(err)
	}
	defer server.away()
	send := func(text string, end bool) *net.TCPConn {
		t.Helper()
		connection, err := net.Dial("tcp", server.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(connection, text); err != nil {
			t.Fatal(err)
		}
		tcp := connection.(*net.TCPConn)
		if end {
			if err := tcp.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		return tcp
	}
	if _, err := io.ReadAll(send(message(alertOf(0))+message(alertOf(1)), true)); err != nil {
		t.Fatalf("not ended in order: %v", err)
	}
	open := send(message(alertOf(2)), false)
	server.away()
	if _, err := io.ReadAll(open); err == nil {
		t.Error("whoever goes away ends in order, as if it had taken what it was sent")
	}
	if _, err := net.Dial("tcp", server.address); err == nil {
		t.Error("it is there while it is away")
	}
	if err := server.back(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(send(message(alertOf(2)), true)); err != nil {
		t.Fatal(err)
	}
	if check := deliveredOnce("", server.got, []string{address(0), address(1), address(2)}, 0); !check.Passed || len(problems) > 0 {
		t.Errorf("%+v, %d problems", check, len(problems))
	}
	_, _ = io.ReadAll(send(message([]byte(`{"event":`)), true)) // the end says nothing
	select {
	case err := <-problems:
		if !errors.Is(err, errNoDocument) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a message without a document is taken")
	}
}

func TestReadCounted(t *testing.T) {
	for _, text := range []string{"12", "x <28>1", "0 ", "99999999999 x", "5 <28>1", "-1 x"} {
		if _, err := readCounted(bufio.NewReader(strings.NewReader(text))); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestClusterCreatesOnce(t *testing.T) {
	problems := make(chan error, 1)
	server, err := newCluster(problems)
	if err != nil {
		t.Fatal(err)
	}
	defer server.away()
	bulk := func(ids ...int) string {
		var packed bytes.Buffer
		to := gzip.NewWriter(&packed)
		for _, id := range ids {
			fmt.Fprintf(to, "{\"create\":{\"_index\":\"x\",\"_id\":\"%d\"}}\n%s\n", id, alertOf(id))
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequest(http.MethodPost, "http://"+server.address+"/_bulk", &packed)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Encoding", "gzip")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got, want := bulk(0, 1), `{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := bulk(1, 2), `{"errors":true,"items":[{"create":{"status":409}},{"create":{"status":201}}]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if check := deliveredOnce("", server.got, []string{address(0), address(1), address(2)}, server.repeated()); !check.Passed || server.repeated() != 1 {
		t.Errorf("%+v", check)
	}
}

// grown is a record of 120 samples whose resident memory grows by so much each.
func grown(each int64) *Record {
	record := &Record{Head: Head{Version: "1", Kernel: "6.1", CPUs: 1, Began: "2026-11-28T00:00:00Z"}}
	for i := range 120 {
		record.Samples = append(record.Samples, Sample{
			At: float64(10 * i), Resident: 40<<20 + int64(i)*each, Heap: 8<<20 + int64(i%5)<<20, Events: uint64(1000 * i), Planted: i, Syslog: i,
		})
	}
	record.Marks = []Mark{{At: 5, What: flooding, Begin: true}, {At: 30, What: flooding}, {At: 40, What: reloadedSensor, Begin: true}, {At: 50, What: noSyslog, Begin: true}}
	return record
}

func TestFlat(t *testing.T) {
	resident := func(s *Sample) int64 { return s.Resident }
	for each, want := range map[int64]bool{0: true, -(100 << 10): true, 10 << 10: true, 50 << 10: false} {
		if check := grown(each).flat("", resident); check.Passed != want {
			t.Errorf("%d bytes a sample: %+v", each, check)
		}
	}
	if check := grown(0).flat("", func(s *Sample) int64 { return s.Heap }); !check.Passed {
		t.Errorf("a heap that goes up and down: %+v", check)
	}
	few := grown(1 << 20)
	few.Samples = few.Samples[:10]
	if check := few.flat("", resident); !check.Passed || !strings.Contains(check.Found, "too few") {
		t.Errorf("%+v", check)
	}
}

func TestChecks(t *testing.T) {
	for name, spoil := range map[string]func(*Sample){
		"the kernel lost nothing":                   func(s *Sample) { s.KernelLost = 1 },
		"nothing was lost on the way to the engine": func(s *Sample) { s.RecordsLost = 1 },
		"no output lost a document or keeps one":    func(s *Sample) { s.DocumentsLost = 1 },
	} {
		record := grown(0)
		for _, check := range record.checks() {
			if !check.Passed {
				t.Errorf("of a good record: %+v", check)
			}
		}
		spoil(&record.Samples[len(record.Samples)-1])
		for _, check := range record.checks() {
			if check.Passed == (check.Name == name) {
				t.Errorf("%s: %+v", name, check)
			}
		}
	}
}

// TestRecordIsDrawn writes a record, reads it and draws it.
func TestRecordIsDrawn(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	var text bytes.Buffer
	record := grown(0)
	lines := []Line{{Head: &record.Head}}
	for i := range record.Samples {
		lines = append(lines, Line{Sample: &record.Samples[i]})
	}
	for i := range record.Marks {
		lines = append(lines, Line{Mark: &record.Marks[i]})
	}
	for _, line := range lines {
		if err := writeLine(&text, line); err != nil {
			t.Fatal(err)
		}
	}
	draw := func(more string) (string, error) {
		if err := os.WriteFile(in("record"), append(text.Bytes(), more...), 0o600); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		err := run(context.Background(), []string{"-draw", in("record"), "-svg", in("svg"), "-csv", in("csv")}, &said)
		return said.String(), err
	}
	if _, err := draw(""); err == nil || !strings.Contains(err.Error(), "120 samples and no end") {
		t.Errorf("a record without an end: %v", err)
	}
	if said, err := draw(`{"verdict":{"passed":false,"checks":[{"name":"x","passed":false,"found":"y"}]}}`); !errors.Is(err, errFailed) || !strings.HasPrefix(said, "FAIL  x") {
		t.Errorf("%v: %s", err, said)
	}
	if said, err := draw(`{"verdict":{"passed":true,"checks":[{"name":"x","passed":true,"found":"y"}]}}`); err != nil || !strings.HasPrefix(said, "ok    x") {
		t.Errorf("%v: %s", err, said)
	}
	picture, err := os.ReadFile(in("svg"))
	if err != nil {
		t.Fatal(err)
	}
	checkPicture(t, picture)
	table, err := os.ReadFile(in("csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(table)), "\n")
	if len(rows) != 121 || !strings.HasPrefix(rows[0], "at,resident_bytes,") || !strings.HasPrefix(rows[2], "10,41943040,9437184,") {
		t.Errorf("%d rows: %s\n%s", len(rows), rows[0], rows[2])
	}
}

// checkPicture reads the picture and counts what must be in it.
func checkPicture(t *testing.T, picture []byte) {
	t.Helper()
	lines, texts := 0, ""
	for from := xml.NewDecoder(bytes.NewReader(picture)); ; {
		token, err := from.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local != "polyline" {
				continue
			}
			lines++
			if points := strings.Fields(token.Attr[0].Value); len(points) != 120 {
				t.Errorf("a line has %d points", len(points))
			}
		case xml.CharData:
			texts += string(token)
		}
	}
	if lines != 11 || !strings.Contains(texts, "Linux 6.1, 1 processor") || !strings.Contains(texts, "memory, MiB") || strings.Contains(string(picture), "NaN") {
		t.Errorf("%d lines; texts: %s", lines, texts)
	}
}

func TestNiceStep(t *testing.T) {
	for top, want := range map[float64]float64{0: 1, 1: 0.2, 3: 1, 10: 2, 47: 10, 60: 20, 360: 100, 2000: 500} {
		if got := niceStep(top); got != want {
			t.Errorf("%v: %v, want %v", top, got, want)
		}
	}
}

// TestConfiguration sees that the sensor's configuration names the addresses.
func TestConfiguration(t *testing.T) {
	folder := t.TempDir()
	for range 2 { // a folder may be used again
		if err := prepareFolder(folder, "127.0.0.1:1", "127.0.0.1:2"); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, "sensor.toml"))
	if err != nil || !strings.Contains(string(text), `address = "tcp://127.0.0.1:1"`) || !strings.Contains(string(text), `urls = ["http://127.0.0.1:2"]`) {
		t.Errorf("%v: %s", err, text)
	}
	if shipped, err := filepath.Glob(filepath.Join(folder, "rules", "*.toml")); err != nil || len(shipped) == 0 {
		t.Errorf("no rules: %v", err)
	}
}

func TestSampleHasEveryLoss(t *testing.T) {
	all := Losses{1, 10, 1000000, 100, 1000, 10000, 100000}
	if all.sum() != 111111 {
		t.Errorf("%d", all.sum())
	}
}
