package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"tripline/sensor/alertlog"
	"tripline/sensor/alertview"
)

func alertsListCommand(std streams) *cobra.Command {
	var selection alertSelection
	command := &cobra.Command{
		Use:   "list [FILE...]",
		Short: "List alerts, the newest last",
		Long: `List the alerts in the configured alert file and in what was rotated away from
it, also compressed, or in FILEs ("-" is standard input): a table on a terminal,
and else, or with --json, the documents, each with its evidence, one a line.

The newest alert is last. Lines that are no alerts are reported and left out.`,
		Example: `  tripline alerts list --since 24h --severity high+
  tripline alerts list --where 'process.name == "nc"'`,
		RunE: func(command *cobra.Command, args []string) error {
			defects := &defectPrinter{to: std.err}
			reader, err := selection.reader(std, defects)
			if err != nil {
				return err
			}
			files, err := selection.files(std, args)
			if err != nil {
				return err
			}
			var alerts uint64
			if std.terminal && !selection.asJSON {
				alerts, err = listTable(command, std.out, reader, files, selection.columns())
			} else {
				alerts, err = listDocuments(command, std.out, reader, files)
			}
			defects.finish()
			if err != nil {
				return err
			}
			counts := reader.Counts()
			counts.Alerts = alerts // what stands in two files is one
			return finishReading(std.err, counts, len(files))
		},
	}
	selection.addFiles(command)
	selection.addFilters(command)
	selection.addFormat(command)
	return command
}

// listDocuments prints the documents in the order in which they are read: the
// files are in the order of time, and so are the lines in them.
func listDocuments(command *cobra.Command, to io.Writer, reader *alertlog.Reader, files []string) (alerts uint64, err error) {
	out := bufio.NewWriterSize(to, 64<<10)
	joiner := alertlog.NewJoiner(func(one *alertlog.Alert) error {
		if _, err := out.Write(append(one.JSON, '\n')); err != nil {
			return fmt.Errorf("writing results: %w", err)
		}
		alerts++
		return nil
	})
	err = reader.Each(command.Context(), files, joiner.Add)
	if err == nil {
		err = joiner.Flush()
	}
	if flushed := out.Flush(); err == nil && flushed != nil {
		err = fmt.Errorf("writing results: %w", flushed)
	}
	return alerts, err
}

// maxListed is how many alerts a table has.
const maxListed = 100_000

// listTable prints a table. Of too many alerts the newest are shown.
func listTable(command *cobra.Command, to io.Writer, reader *alertlog.Reader, files []string, columns int) (alerts uint64, err error) {
	listed := make([]*alertlog.Alert, 0, 64)
	left := 0
	known := make(map[string]bool)
	err = reader.Each(command.Context(), files, func(one *alertlog.Alert) error {
		if known[one.ID] || one.Evidence {
			return nil
		}
		known[one.ID] = true
		one.JSON = nil
		if listed = append(listed, one); len(listed) >= 2*maxListed {
			left += len(listed) - maxListed
			listed = slices.Clone(newest(listed))
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	left += max(0, len(listed)-maxListed)
	listed = newest(listed)
	if len(listed) > 0 {
		if _, err := to.Write(alertview.Table(listed, columns)); err != nil {
			return 0, fmt.Errorf("writing results: %w", err)
		}
	}
	if left > 0 {
		_, _ = fmt.Fprintf(command.ErrOrStderr(), "%d older alerts are left out; --since and --until choose others\n", left) // only told
	}
	return uint64(len(known)), nil
}

// newest sorts alerts by time and returns the last of them.
func newest(alerts []*alertlog.Alert) []*alertlog.Alert {
	slices.SortStableFunc(alerts, func(a, b *alertlog.Alert) int { return a.Time.Compare(b.Time) })
	return alerts[max(0, len(alerts)-maxListed):]
}

// finishReading says what was read, and fails if files could not be.
func finishReading(to io.Writer, counts alertlog.Counts, files int) error {
	_, _ = fmt.Fprintf(to, "%d alerts", counts.Alerts) // only told
	for _, counter := range []struct {
		name  string
		count uint64
	}{
		{"that were not asked for", counts.Others},
		{"alerts about the sensor's health", counts.Health},
		{"lines that are no alert", counts.Foreign},
		{"lines that are not complete", counts.Torn},
	} {
		if counter.count > 0 {
			_, _ = fmt.Fprintf(to, ", %d %s", counter.count, counter.name) // only told
		}
	}
	_, _ = fmt.Fprintln(to) // only told
	if counts.Failed > 0 {
		return fmt.Errorf("%d of %d files could not be read to their end", counts.Failed, files)
	}
	return nil
}
