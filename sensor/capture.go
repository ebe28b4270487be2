package sensor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"tripline/auditrules"
	"tripline/normalize"
	"tripline/sensor/source"
)

// Capture writes raw audit records as log lines, for replay elsewhere, until ctx
// ends. Kernel audit is put back as Run does. began is called when records are
// received. It returns how many were written.
func Capture(ctx context.Context, options Options, plan *auditrules.Plan, to io.Writer, began func()) (records uint64, err error) {
	lockFile := options.LockFile
	if lockFile == "" {
		lockFile = DefaultLock
	}
	w, err := openWatch(options.Config.Kernel, plan, holder{lockFile, taskCapture}, options.Passive, options.Log)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	defer recoverInto(&err)
	began()
	buffered := bufio.NewWriterSize(to, 64<<10)
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		var err error
		defer func() {
			cancel()
			done <- err
		}()
		defer recoverInto(&err)
		records, err = writeRecords(buffered, w.source)
	}()
	<-ctx.Done()
	stopErr := w.removeRules()
	w.source.Interrupt()
	return records, errors.Join(<-done, stopErr)
}

// writeRecords writes every record in the form in which auditd logs it. What
// was received is written out whenever there is a pause.
func writeRecords(to *bufio.Writer, from source.Source) (records uint64, err error) {
	for {
		messages, err := from.Receive(incompleteWait)
		if errors.Is(err, source.ErrInterrupted) || errors.Is(err, io.EOF) {
			return records, to.Flush()
		}
		if err != nil {
			return records, errors.Join(err, to.Flush())
		}
		if len(messages) == 0 {
			if err := to.Flush(); err != nil {
				return records, fmt.Errorf("writing records: %w", err)
			}
		}
		for _, m := range messages {
			if _, err := to.Write(logLine(m)); err != nil {
				return records, fmt.Errorf("writing records: %w", err)
			}
			records++
		}
	}
}

// logLine is a record in the form in which auditd logs it, which it has already
// where it came from auditd.
func logLine(m source.Message) []byte {
	if m.Type == 0 {
		return append(bytes.Clone(m.Data), '\n')
	}
	line := append([]byte("type="), normalize.RecordType(m.Type).String()...)
	return append(append(append(line, " msg="...), m.Data...), '\n')
}
