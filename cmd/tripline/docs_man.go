//go:build man

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tripline/internal/version"
)

// documentationCommands are built in where packages are made, with the tag "man",
// so that the sensor does not carry what writes man pages.
func documentationCommands() []*cobra.Command {
	return []*cobra.Command{{
		Use:    "docs CONFIGURATION FOLDER",
		Short:  "Write the man pages and the completions of shells",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			root, configuration, folder := command.Root(), args[0], args[1]
			return errors.Join(
				writeManPages(root, filepath.Join(folder, "man1")),
				writeConfigurationPage(configuration, filepath.Join(folder, "man5")),
				writeCompletions(root, filepath.Join(folder, "completions")),
			)
		},
	}}
}

// writeManPages writes a page for every command, from what its --help shows.
func writeManPages(root *cobra.Command, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the folder of the man pages: %w", err)
	}
	return writePages(root, sourceDate(), folder)
}

// sourceDate is the day that the pages have: that of SOURCE_DATE_EPOCH, today where it
// is not set.
func sourceDate() string {
	when := time.Now()
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		when = time.Unix(seconds, 0)
	}
	return when.UTC().Format(time.DateOnly)
}

// writeConfigurationPage makes a man page of the commented default configuration,
// line by line.
func writeConfigurationPage(configuration, folder string) error {
	text, err := os.ReadFile(configuration)
	if err != nil {
		return fmt.Errorf("reading the default configuration: %w", err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the folder of the man pages: %w", err)
	}
	page := fmt.Sprintf(`.TH "TRIPLINE-SENSOR.TOML" 5 %q %q "Tripline"
.SH NAME
tripline\-sensor.toml \- configuration of the Tripline sensor
.SH SYNOPSIS
/etc/tripline/sensor.toml
.SH DESCRIPTION
%s.SH SEE ALSO
\fBtripline\fR(1)
`, sourceDate(), "Tripline "+version.Version, literal(string(text)))
	if err := os.WriteFile(filepath.Join(folder, "tripline-sensor.toml.5"), []byte(page), 0o644); err != nil {
		return fmt.Errorf("writing the man page of the configuration: %w", err)
	}
	return nil
}

// writeCompletions writes a file for each shell, named as the shell looks for it.
func writeCompletions(root *cobra.Command, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the folder of the completions: %w", err)
	}
	return errors.Join(
		root.GenBashCompletionFileV2(filepath.Join(folder, "tripline.bash"), true),
		root.GenZshCompletionFile(filepath.Join(folder, "_tripline")),
		root.GenFishCompletionFile(filepath.Join(folder, "tripline.fish"), true),
	)
}
