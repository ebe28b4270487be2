package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/sensor/alertlog"
	"tripline/sensor/alertview"
)

// maxReported is how many alerts a page has.
const maxReported = 500

func alertsReportCommand(std streams) *cobra.Command {
	var selection alertSelection
	var to string
	command := &cobra.Command{
		Use:   "report --html FILE [ALERTS...]",
		Short: "Write a page about alerts that opens without a network",
		Long: `Write one page of HTML about the alerts that are asked for: what happened and
when, the process with its parents, sockets, sessions, MITRE ATT&CK and the
guide. It needs nothing else, no script and nothing from a network, fits narrow
screens and paper, and is readable by its owner alone.

The alerts are those of the configured alert file and of what was rotated away
from it, or of the files ALERTS. FILE may be an earlier page, which is replaced, and
no other file. The page has the newest ` + fmt.Sprint(maxReported) + `.`,
		Example: `  tripline alerts report --html week.html --since 7d`,
		RunE: func(command *cobra.Command, args []string) error {
			if to == "" {
				return &usageError{fmt.Errorf("report needs --html FILE, or - for standard output; see %s --help", command.CommandPath())}
			}
			if to != "-" {
				if err := mayReplace(to, pageStart, "page of HTML"); err != nil {
					return err
				}
			}
			return report(command, std, &selection, to, args)
		},
	}
	selection.addFiles(command)
	selection.addFilters(command)
	command.Flags().StringVar(&selection.filter.ID, "id", "", "the alert whose `ID` begins so")
	command.Flags().StringVar(&to, "html", "", "write the page to `FILE`")
	return command
}

func report(command *cobra.Command, std streams, selection *alertSelection, to string, args []string) error {
	selection.filter.ID = strings.ToLower(selection.filter.ID)
	defects := &defectPrinter{to: std.err}
	reader, err := selection.reader(std, defects)
	if err != nil {
		return err
	}
	files, err := selection.files(std, args)
	if err != nil {
		return err
	}
	found := alertlog.NewCollection(maxReported)
	err = reader.Each(command.Context(), files, found.Add)
	defects.finish()
	if err != nil {
		return err
	}
	page := &alertview.Report{Made: time.Now(), Selection: selection.words(), Dropped: found.Dropped()}
	for _, one := range found.Alerts() {
		account, err := alertview.NewAccount(one.JSON)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", one.File, one.Line, err)
		}
		page.Alerts = append(page.Alerts, account)
	}
	var text bytes.Buffer
	if err := page.HTML(&text); err != nil {
		return err
	}
	if err := writeResult(std, to, text.Bytes()); err != nil {
		return err
	}
	if page.Dropped > 0 {
		_, _ = fmt.Fprintf(std.err, "%d older alerts are not on the page; --since and --until choose others\n", page.Dropped) // only told
	}
	return finishReading(std.err, reader.Counts(), len(files))
}

// words says which alerts are asked for.
func (s *alertSelection) words() []alertview.Fact {
	var all []alertview.Fact
	for _, one := range []alertview.Fact{
		{Name: "since", Value: s.since},
		{Name: "until", Value: s.until},
		{Name: "rule", Value: s.filter.Rule},
		{Name: "severity", Value: s.severity},
		{Name: "host", Value: s.filter.Host},
		{Name: "where", Value: s.filter.Where},
	} {
		if one.Value != "" {
			all = append(all, one)
		}
	}
	return all
}

// writeResult writes a file that only its owner can read, whole or not at all; -
// is standard output.
func writeResult(std streams, path string, content []byte) error {
	if path == "-" {
		if _, err := std.out.Write(content); err != nil {
			return fmt.Errorf("writing results: %w", err)
		}
		return nil
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(file.Name()))
	}
	return nil
}
