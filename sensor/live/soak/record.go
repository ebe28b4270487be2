package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Line is one line of a soak's record, NDJSON; one of its fields is set.
type Line struct {
	Head    *Head    `json:"head,omitempty"`
	Sample  *Sample  `json:"sample,omitempty"`
	Mark    *Mark    `json:"mark,omitempty"`
	Verdict *Verdict `json:"verdict,omitempty"`
}

// Head says what was run, where and when.
type Head struct {
	Version string `json:"version"`
	Kernel  string `json:"kernel"`
	CPUs    int    `json:"cpus"`
	Began   string `json:"began"`
	// Planned is how long it was to take, in seconds.
	Planned float64 `json:"planned_seconds"`
	// Rates are the floods, repetitions a second, by their kind.
	Rates map[string]int `json:"rates"`
}

// Sample is the sensor at one moment. Counters are of its run.
type Sample struct {
	// At is seconds since the soak began.
	At         float64 `json:"at"`
	Resident   int64   `json:"resident_bytes"`
	Heap       int64   `json:"heap_bytes"`
	CPU        float64 `json:"cpu_seconds"`
	Goroutines int     `json:"goroutines"`
	Forks      uint64  `json:"forks"`
	Records    uint64  `json:"records"`
	Events     uint64  `json:"events"`
	Pending    int     `json:"pending_sequences"`
	// KernelLost is what the kernel lost, RecordsLost what went missing or was
	// unusable on the way from it to the engine, which Lost has by its kind.
	KernelLost  uint32 `json:"kernel_lost"`
	RecordsLost uint64 `json:"records_lost"`
	Lost        Losses `json:"lost"`
	// SpoolBytes is what the spools' files have; a file goes when all in it was
	// delivered. Waiting are the documents that were not.
	SpoolBytes int64  `json:"spool_bytes"`
	Waiting    uint64 `json:"waiting_documents"`
	// DocumentsLost are those that an output dropped or could not deliver.
	DocumentsLost uint64 `json:"documents_lost"`
	Reloads       uint64 `json:"reloads"`
	FailedReloads uint64 `json:"failed_reloads"`
	Planted       int    `json:"planted"`
	Raised        uint64 `json:"raised"`
	// Syslog and Elasticsearch are the planted pairs whose alerts the receivers have.
	Syslog        int `json:"delivered_syslog"`
	Elasticsearch int `json:"delivered_elasticsearch"`
}

// Losses are what may happen to records and events between the kernel and the engine.
type Losses struct {
	Overruns uint64 `json:"overruns"`
	Gaps     uint64 `json:"gaps"`
	// Late records came when their event was over. An event that needed one of them
	// is incomplete; those of others are titles and ends, and no loss.
	Late       uint64 `json:"late"`
	Truncated  uint64 `json:"truncated"`
	Unreadable uint64 `json:"unreadable"`
	Incomplete uint64 `json:"incomplete"`
	Evicted    uint64 `json:"evicted"`
}

func (l *Losses) sum() uint64 {
	return l.Overruns + l.Gaps + l.Truncated + l.Unreadable + l.Incomplete + l.Evicted
}

// The things that a mark may say begin or end.
const (
	flooding       = "flood"
	noSyslog       = "syslog away"
	noElastic      = "elasticsearch away"
	reloadedSensor = "reload"
)

// Mark says when something began or ended that belongs to the schedule.
type Mark struct {
	At    float64 `json:"at"`
	What  string  `json:"what"`
	Begin bool    `json:"begin"`
	// Detail is the kind of a flood.
	Detail string `json:"detail,omitempty"`
}

// Verdict is what was checked at the end.
type Verdict struct {
	Passed bool    `json:"passed"`
	Took   float64 `json:"took_seconds"`
	Checks []Check `json:"checks"`
}

// Check is one thing that must hold, and what was found.
type Check struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	Found  string `json:"found"`
}

// writeLine writes one line.
func writeLine(to io.Writer, line Line) error {
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("encoding a line of the record: %w", err)
	}
	if _, err := to.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("writing the record: %w", err)
	}
	return nil
}

// Record is a soak as it was written.
type Record struct {
	Head    Head
	Samples []Sample
	Marks   []Mark
	Verdict *Verdict
}

// readRecord reads what a soak wrote; one that has not ended has no verdict.
func readRecord(from io.Reader) (*Record, error) {
	read := new(Record)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		var line Line
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("line %d of the record: %w", number, err)
		}
		read.add(line)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the record: %w", err)
	}
	return read, nil
}

func (r *Record) add(line Line) {
	switch {
	case line.Head != nil:
		r.Head = *line.Head
	case line.Sample != nil:
		r.Samples = append(r.Samples, *line.Sample)
	case line.Mark != nil:
		r.Marks = append(r.Marks, *line.Mark)
	case line.Verdict != nil:
		r.Verdict = line.Verdict
	}
}
